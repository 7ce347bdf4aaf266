"""The look that all pages share, those of a report and those of the web application: colours, sizes, the theme.

It may import `drafts`, and the floors below.
"""
