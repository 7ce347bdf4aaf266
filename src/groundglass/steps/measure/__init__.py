"""The step `measure`: look measures up."""
