"""Pictures of a catalogue: the archive, decoding, and what frozen networks see in them."""
