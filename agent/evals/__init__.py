"""Evaluations: how often an agent is right."""
