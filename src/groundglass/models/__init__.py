"""Networks: finds, hashes and fetches weights, chooses devices, makes batches, loads once per worker.

Importing it does not load torch.

It may import `tables`, and the floors below.
"""
