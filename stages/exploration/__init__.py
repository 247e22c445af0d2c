"""What the data are like: figures, pictures, and the page that tells them."""
