"""Clients of models: OpenAI-compatible servers, Gemini, local networks; retries and the ledger."""
