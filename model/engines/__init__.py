"""The engines: torch (local weights), scripted (fixed turns, for tests and examples)."""
