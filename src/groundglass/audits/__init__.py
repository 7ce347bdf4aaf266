"""Audits: put known defects into passing images, and count which gates catch them.

It may import `plans`, and the floors below.
"""
