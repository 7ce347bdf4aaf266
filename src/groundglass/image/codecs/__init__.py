"""What image file formats say of themselves: signatures, JPEG markers, PNG chunks, EXIF, ICC."""
