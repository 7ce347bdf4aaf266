"""Multimodal models, whoever runs them: a server of OpenAI's protocol, Google's, or weights in a folder."""
