"""Pretrained encoders of texts: the network, its files, its vocabulary, what it says of a text."""
