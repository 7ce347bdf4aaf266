"""How models are reached: OpenAI-compatible servers, Gemini, local networks; retries and the ledger."""
