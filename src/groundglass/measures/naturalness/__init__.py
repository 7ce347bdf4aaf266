"""NIQE, with a reference of your own or the one that comes along."""
