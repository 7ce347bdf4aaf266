"""Jobs over many items: worker processes that may die, hang or be killed, threads, progress, interrupts.

It may import `tables`, and the floors below.
"""
