"""Networks for super-resolution and how they are trained. Imports numpy, torch and safetensors only.

Nothing of groundglass is imported here, so that this folder runs on a bare GPU machine.
"""
