"""One file a format that a release can be written in."""
