"""The command line. Exit codes: 0 answered, 1 the run failed or hit a limit, 2 wrong usage, 130 interrupted."""

from .main import main

__all__ = ["main"]
