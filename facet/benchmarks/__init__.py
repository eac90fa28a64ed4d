"""How steps, data and memory are measured, and what ours is timed against; nothing here is part of a run."""
