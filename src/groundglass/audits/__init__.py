"""Audits: known defects put into passing images, and which gates notice them.

It may import `plans`, and what lies below.
"""
