"""groundglass builds image-restoration and super-resolution datasets that can be trusted."""

__version__ = "0.1.0"
