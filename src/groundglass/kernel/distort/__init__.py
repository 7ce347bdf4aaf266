"""Known damage, done on purpose: what a gate should catch can be made and counted."""
