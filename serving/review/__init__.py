"""What reviewers are asked and what they say: a queue and corrections, in a database."""
