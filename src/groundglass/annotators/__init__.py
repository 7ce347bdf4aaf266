"""Questions to a multimodal model about an image, and the clients that ask them.

It may import `generators` and `made_images`, and the floors below.
"""
