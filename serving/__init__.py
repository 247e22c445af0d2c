"""All that answers a request. Imports no TensorFlow and nothing from `stages`."""
