"""Lines of text, and images that are drawn rather than photographed."""
