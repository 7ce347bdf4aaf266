"""Which images show the same: perceptual hashes, near-duplicates in all eight orientations."""
