"""Questions to a multimodal model about an image, and the clients that ask them.

It may import `generators`, and the floors below.
"""
