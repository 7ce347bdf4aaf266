"""Test images in training photographs: what test images are known by, and how a photograph is held against them."""
