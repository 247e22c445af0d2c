"""Proofs that a run gives equal bytes, again and on other processors."""
