"""Editing pictures with a trained model: the object behind :func:`facet.load`, and what photographs need besides."""
