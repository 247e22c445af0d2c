"""Answering a catalogue with Ray Data on any number of machines: its tables, pictures, workers."""
