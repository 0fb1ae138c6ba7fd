"""The first and the last bytes of a stream: bounded memory for any amount of output."""

from __future__ import annotations

CHUNK = 64 * 1024


class Clip:
    """Keeps `limit` bytes of what is written, and counts the rest."""

    def __init__(self, limit: int) -> None:
        self.half = limit // 2
        self.head = bytearray()
        self.tail = bytearray()
        self.total = 0

    def write(self, data: bytes) -> None:
        self.total += len(data)
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > 2 * self.half + CHUNK:  # not at every write: deleting from the front costs
            del self.tail[: len(self.tail) - self.half]

    def text(self) -> tuple[str, int]:
        """The text kept and the number of bytes dropped."""
        tail = self.tail[max(0, len(self.tail) - self.half) :]
        dropped = self.total - len(self.head) - len(tail)
        if not dropped:
            return (self.head + tail).decode("utf-8", "replace"), 0
        # A cut may go through a character, whose remains are not the user's.
        first, last = self.head.decode("utf-8", "replace").rstrip("\ufffd"), tail.decode("utf-8", "replace")
        return "{}\n[... {} bytes dropped ...]\n{}".format(first, dropped, last.lstrip("\ufffd")), dropped
