"""Overcoming the Disentanglement vs Reconstruction Trade-off via Jacobian Supervision (JacSup)."""
