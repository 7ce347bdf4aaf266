"""Finding the images of known test sets, whole or in part, by fingerprints that hold no pixels."""
