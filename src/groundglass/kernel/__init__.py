"""What every room stands on: pixels, tables, errors, chance, engines."""
