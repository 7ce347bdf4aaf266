"""Networks: weights found, hashed and fetched; devices; batches; loading once a worker. Imports no torch by itself.

It may import `tables`, and what lies below.
"""
