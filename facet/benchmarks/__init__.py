"""What ours is timed against, and how memory is measured; nothing here is part of a run."""
