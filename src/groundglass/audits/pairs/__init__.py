"""Audits of pairs: plant known defects into HQ, and count which gates of pairs catch them."""
