"""The number of things that an image shows: by watershed, Segment Anything or a detector."""
