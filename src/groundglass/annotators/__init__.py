"""What to ask a multimodal model about a picture, and how to read its answer."""
