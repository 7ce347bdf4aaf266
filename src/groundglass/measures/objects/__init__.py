"""How many things an image shows: by watershed, Segment Anything or a detector."""
