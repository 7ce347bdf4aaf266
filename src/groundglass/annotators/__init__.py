"""Questions to a multimodal model about an image, and the clients that put them."""
