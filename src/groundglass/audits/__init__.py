"""Audits: known defects put into passing images, and which gates notice them."""
