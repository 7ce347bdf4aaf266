"""Clients of multimodal models: OpenAI-compatible servers, Gemini, and local networks."""
