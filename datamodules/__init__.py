"""Data sets. Each decodes or draws its images once into a packed uint8 store, from which all batches are read."""
