"""From the votes of people to scores: methods, screens for raters, agreement. No image is opened.

`vote_table` and `read_votes` read tables of votes; `scores` is the way in from Python. `benchmark` compares the scores
of measures with a MOS, and `challenge` those of submissions. It may import `tables`, and the floors below.
"""
