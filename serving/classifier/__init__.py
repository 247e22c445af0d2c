"""The classifier that training prepares, evaluation measures and the service answers with."""
