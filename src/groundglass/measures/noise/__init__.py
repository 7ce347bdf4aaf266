"""How strong the noise is, in the flattest blocks."""
