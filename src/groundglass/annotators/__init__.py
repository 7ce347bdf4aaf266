"""Questions to a multimodal model about an image, and the clients that ask them.

It may import `engines`, `degradations`, `similarity`, `models` and `source_quality`, and the floors below.
"""
