"""Studies: images that people rate, who rates which image next, their votes, and the scores that come of them.

The database keeps items, raters, trials and votes; `web` shows them. It may import `plans`, and the floors below.
"""
