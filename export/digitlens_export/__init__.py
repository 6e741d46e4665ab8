"""Turn a trained network into one ONNX file, and prove that it does what PyTorch does."""
