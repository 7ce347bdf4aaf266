"""How much an image shows."""
