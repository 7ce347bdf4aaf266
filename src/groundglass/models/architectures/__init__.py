"""The networks themselves, one file each: what is built here, or loaded from transformers or ONNX."""
