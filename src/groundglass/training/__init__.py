"""Networks for super-resolution and their training, with numpy, torch and safetensors only.

This folder runs on a bare GPU machine, where nothing else of groundglass is installed. It imports nothing of the
package.
"""
