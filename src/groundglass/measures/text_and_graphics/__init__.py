"""Lines of text, and drawn instead of photographed areas."""
