"""How the latest answers differ from the products that the classifier was prepared for."""
