"""Questions to a multimodal model about an image, and the clients that ask them.

It may import `engines`, `degradations`, `similarity`, `models`, `source_quality` and `ratings`, and the floors below.
"""
