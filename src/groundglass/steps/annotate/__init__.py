"""The step `annotate`: ask a multimodal model, within a budget."""
