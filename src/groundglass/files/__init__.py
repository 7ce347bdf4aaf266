"""Bytes on disk: where an image lies (locators), hashes, atomic places, and a lock for a folder.

It may import `libraries`, and what lies below.
"""
