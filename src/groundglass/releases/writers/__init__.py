"""One file for each format that a release can be written in."""
