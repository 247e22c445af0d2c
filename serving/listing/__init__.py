"""What a product is, for training and for serving: its texts, its picture, its code."""
