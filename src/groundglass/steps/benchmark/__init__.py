"""The step `benchmark`: compare measures of the selected images with the opinions of people."""
