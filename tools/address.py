"""Addresses of servers, as people write them down."""

from __future__ import annotations

import re
from urllib.parse import urlsplit


def is_address(text: str) -> bool:
    """Whether it is one of HTTP, with a host, and a port that there can be if it has one."""
    if not re.fullmatch(r"https?://[^/\s]\S*", text):
        return False
    try:
        place = urlsplit(text)
        return bool(place.hostname) and place.port != 0
    except ValueError:
        return False
