"""Finds images of known test sets, complete or in part, by fingerprints that hold no pixels."""
