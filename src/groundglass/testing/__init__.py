"""Made test images, and a server that plays a multimodal model, for tests of groundglass and of what builds on it.

It may import `drafts`, and what lies below.
"""

from groundglass.testing.images import (
    encoded,
    flat,
    gradient,
    jpeg,
    matrix_profile,
    noise,
    photo,
    png,
    wide_profile,
)

__all__ = ["encoded", "flat", "gradient", "jpeg", "matrix_profile", "noise", "photo", "png", "wide_profile"]
