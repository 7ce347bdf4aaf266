"""The step `measure`: measure images, with one decode for all measures."""
