"""Benchmarks of steps, data and memory, and the authors' schedules to compare with. No run uses this package."""
