"""Data sets. Each is a packed uint8 store, decoded or drawn once, and a Lightning data module that indexes it."""
