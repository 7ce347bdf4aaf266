"""Networks: found, hashed, loaded once a worker, placed, and asked in batches. Importing this loads no torch."""
