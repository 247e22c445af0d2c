"""One script for each DVC stage, and what only training needs. Keras lives here."""
