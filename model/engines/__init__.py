"""The engines: torch (local weights), completions (a server by ids), scripted (fixed turns)."""
