"""Bytes on disk: where an image lies (locators), hashes, atomic places, and a lock for a folder.

Imports `errors` and its neighbours on the ground floor only.
"""
