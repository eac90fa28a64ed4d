"""What ``facet-export`` writes: weights, ONNX files, a model card, a page with the model inside."""
