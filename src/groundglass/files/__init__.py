"""Bytes on disk: the places of images (locators), hashes, atomic writes, and a lock for a folder.

It may import `libraries`, and the floors below.
"""
