"""Callbacks: checkpoints, averages, checks and validations beside the training step."""
