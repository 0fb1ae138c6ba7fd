"""`python -m cadenza.agent` is the command `agent`."""

from .cli import main

main()
