"""The workspace's files: read, listed, searched, written and patched below one folder, with no way out of it.

Read in this order: root, change, text, patch, apply, tool.
"""

from .tool import FilesTool

__all__ = ["FilesTool"]
