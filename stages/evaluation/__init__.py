"""What the classifier answers, what it scores, and the page that tells it."""
