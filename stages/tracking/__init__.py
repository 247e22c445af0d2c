"""Results on record in MLflow: what a record is, how it is sent, and the models that are named."""
