"""The language models: a pretrained encoder of texts, frozen or tuned."""
