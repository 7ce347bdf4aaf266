"""Networks for super-resolution and how they are trained, on this machine or, alone, on a bare one with a GPU.

Uses numpy, torch and safetensors only. It imports nothing of the package.
"""
