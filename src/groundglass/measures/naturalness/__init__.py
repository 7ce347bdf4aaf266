"""NIQE, with your own reference or the shipped one."""
