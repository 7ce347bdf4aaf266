"""The step `source`: list the images and read their headers."""
