"""Adversarial Information Factorization: the IFcVAE-GAN, its ablations and its baselines."""
