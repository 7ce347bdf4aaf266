"""The static report of a run: one folder that opens from disk, without a server and without a network; and
a run's photos as a dataset of FiftyOne.

It may import `pages`, and the floors below.
"""
