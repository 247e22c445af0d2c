"""Results and classifiers on record in MLflow, and the version that is champion."""
