"""Image file formats: signatures, JPEG markers, PNG chunks, EXIF, ICC, damage, and the decoders."""
