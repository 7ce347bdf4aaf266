"""Generated test images, and a fake server of a multimodal model, for tests of groundglass and of code that uses it.

It may import `pages`, and the floors below.
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
