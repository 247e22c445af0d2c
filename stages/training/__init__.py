"""What training any branch takes: early stopping, folds, held-out answers."""
