"""What a sandbox is tried with: cells that reach for what is not theirs, take more than they may, or break things.

A cell says ESCAPED where it got what it wanted; whether it really did, `cadenza.tools.python.trial` finds out on the
host's side. In each code `@PORT@`, `@UNIX@`, `@SOCKET@`, `@SECRET@`, `@PID@` and `@MARK@` stand for the host's bait.
Cells that signal others do so only where none of the host's can be reached, which `GUARD` sees to.
"""

from typing import Final

from .driver import DRIVER
from .escape import Escape
from .fault import FAULTS
from .reach import REACH
from .spend import RESOURCES

ESCAPES: Final = (*REACH, *DRIVER, *RESOURCES, *FAULTS)

__all__ = ["ESCAPES", "Escape"]
