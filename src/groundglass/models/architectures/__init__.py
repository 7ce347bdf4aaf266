"""The networks themselves, one file each: built here, or loaded from transformers or ONNX."""
