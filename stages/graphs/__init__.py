"""Keras models as ONNX graphs, and what the classifier that they make expects to be asked."""
