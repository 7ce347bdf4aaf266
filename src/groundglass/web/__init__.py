"""The web application: raters answer trials, and the owner of a study follows it.

It may import `pages`, and the floors below.
"""
