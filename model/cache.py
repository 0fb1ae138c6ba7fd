"""Keys and values of what has been read, in pages that sequences share.

- A page holds some positions in a row of one beginning. Pages form a tree, each named by the rows that it holds: where
  prompts begin alike, in one run or in several, they have the same pages.
- A page has two slots of memory, one for the layers that see far and one for those that see near. A sequence holds the
  near ones of its window only.
- What no sequence holds stays known until its memory is needed; what was used least recently goes first. Since near
  slots go as well, a beginning is only taken up where the window before it is still there.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from .config import ModelConfig

PAGE: Final = 64  # positions: as many as the kernels take up at a time
_CONTEXTS: Final = 8


@dataclass(eq=False, slots=True)
class Page:
    """far, near: slots; rows: what it holds, after the pages above it. Known once it is in the tree."""

    far: int
    near: int | None
    rows: tuple[int, ...] = ()
    parent: Page | None = None
    children: dict[tuple[int, ...], Page] = field(default_factory=dict)

    def slot(self, *, near: bool) -> int:
        """Of a page that somebody holds."""
        slot = self.near if near else self.far
        if slot is None:
            raise AssertionError("a page in sight has lost its near slot")
        return slot


class KVCache:
    """The slots, and the tree of known pages. Slots of both kinds of layers have one size.

    memory: bytes, by default a quarter of what is free, or what some whole contexts take if that is less; page:
    positions; like: has the type and the device.
    """

    def __init__(self, config: ModelConfig, *, like: Tensor, memory: int | None = None, page: int = PAGE) -> None:
        self.page = page
        self.window = config.sliding_window
        shape = torch.Size((-(-config.num_layers // 2), 2, config.num_kv_heads, page, config.head_dim))
        self.slot_bytes = size = shape.numel() * like.element_size()
        if memory is None:
            enough = _CONTEXTS * 2 * size * -(-config.max_context // page)
            memory = min(enough, _free_memory(like.device) // 4)
        self.slots = memory // size
        self._memory = like.new_empty(self.slots, *shape)  # on a CPU, none of it is taken until it is written
        self.root = Page(-1, None)
        self._free = list(range(self.slots))[::-1]
        self._users = [0] * self.slots
        self._idle: OrderedDict[int, Page] = OrderedDict()  # slots of known pages without users, the oldest first

    @property
    def held(self) -> int:
        """Slots that sequences hold."""
        return self.slots - len(self._free) - len(self._idle)

    @property
    def longest(self) -> int:
        """Positions that a sequence can have if it is alone."""
        near = (self.window - 2) // self.page + 2  # pages that a window can touch
        return max(self.slots - near, self.slots // 2) * self.page

    def layer(self, at: int) -> tuple[Tensor, Tensor]:
        """Keys and values of a layer, `[slots, kv_heads, page, head_dim]`."""
        return self._memory[:, at // 2, 0], self._memory[:, at // 2, 1]

    def new_page(self) -> Page | None:
        """A page with one user, if there is memory."""
        far, near = self._take(), self._take()
        if far is not None and near is not None:
            return Page(far, near)
        if far is not None:
            self._give_back(far)
        return None

    def copy(self, old: Page, new: Page) -> None:
        self._memory[new.far] = self._memory[old.far]
        if old.near is not None and new.near is not None:
            self._memory[new.near] = self._memory[old.near]

    def hold(self, slot: int) -> None:
        self._users[slot] += 1
        self._idle.pop(slot, None)

    def let_go(self, slot: int, page: Page) -> None:
        self._users[slot] -= 1
        if self._users[slot] == 0:
            if page.parent is None:
                self._free.append(slot)
            else:
                self._idle[slot] = page

    def _take(self) -> int | None:
        if not self._free and self._idle:
            self._forget(*self._idle.popitem(last=False))
        if not self._free:
            return None
        slot = self._free.pop()
        self._users[slot] = 1
        return slot

    def _give_back(self, slot: int) -> None:
        self._users[slot] = 0
        self._free.append(slot)

    def _forget(self, slot: int, page: Page) -> None:
        """Frees an idle slot. Without its far one a page is unknown, and so are those below it: they are idle too."""
        self._free.append(slot)
        if slot == page.near:
            page.near = None
            return
        if page.parent is not None:
            del page.parent.children[page.rows]
        gone = [page]
        while gone:
            each = gone.pop()
            gone += each.children.values()
            for other in (each.far, each.near):
                if other is not None and other in self._idle:
                    del self._idle[other]
                    self._free.append(other)


class Sequence:
    """What one request has read: `rows`, and the pages that hold them."""

    def __init__(self, cache: KVCache) -> None:
        self._cache = cache
        self.rows: list[int] = []
        self.pages: list[Page] = []
        self.first_near = 0  # the number of the first page whose near slot this sequence holds

    def take_up(self, rows: list[int]) -> None:
        """Goes on from the longest known beginning of `rows`, if that is more than was read.

        At least the last of `rows` is left out: a forward pass needs one row to give logits for.
        """
        cache, size = self._cache, self._cache.page
        whole = len(self.rows) // size
        chain, begun, same = self._known(self.pages[:whole], rows)
        longest = [len(chain) * size + same, *range(len(chain) * size, len(self.rows), -size)]
        length = next((each for each in longest if self._is_there([*chain, begun], each)), 0)
        if length <= len(self.rows):
            return
        kept, first = chain[: length // size], self._first_seen(length)
        for page in kept[whole:]:
            cache.hold(page.far)
        for page in kept[first:]:
            cache.hold(page.slot(near=True))
        self._let_go(whole)
        self.pages, self.first_near = kept, first
        self.rows = rows[: len(kept) * size]
        if length % size:
            self._copy(begun, rows[:length])

    def make_room(self, count: int) -> int:
        """Finds memory for so many more rows; returns for how many there is some."""
        cache = self._cache
        while len(self.pages) * cache.page < len(self.rows) + count and (page := cache.new_page()):
            self.pages.append(page)
        return min(count, len(self.pages) * cache.page - len(self.rows))

    def append(self, rows: list[int]) -> None:
        """These were read. Whole pages become known, and near slots are let go that no later row sees."""
        size, at = self._cache.page, len(self.rows) // self._cache.page
        self.rows += rows
        for number in range(at, len(self.rows) // size):
            self._make_known(number, tuple(self.rows[number * size : (number + 1) * size]))
        first = self._first_seen(len(self.rows))
        for page in self.pages[self.first_near : first]:
            self._cache.let_go(page.slot(near=True), page)
        self.first_near = max(self.first_near, first)

    def free(self) -> None:
        """Lets go of everything. What was read stays known while nobody needs its memory."""
        size = self._cache.page
        number, rest = len(self.rows) // size, tuple(self.rows[len(self.rows) // size * size :])
        if rest:
            page, parent = self.pages[number], self.pages[number - 1] if number else self._cache.root
            if rest not in parent.children:
                page.rows, page.parent, parent.children[rest] = rest, parent, page
        self._let_go(0)
        self.rows, self.pages, self.first_near = [], [], 0

    def _known(self, chain: list[Page], rows: list[int]) -> tuple[list[Page], Page, int]:
        """Whole known pages of `rows`, those given first; and the page that has most of what follows: how much."""
        size, above = self._cache.page, chain[-1] if chain else self._cache.root
        while (end := (len(chain) + 1) * size) < len(rows):
            page = above.children.get(tuple(rows[end - size : end]))
            if page is None:
                break
            chain.append(page)
            above = page
        rest, best, most = rows[len(chain) * size : -1], above, 0
        for page in above.children.values():
            same = common(page.rows, rest)
            if same > most:
                best, most = page, same
        return chain, best, most

    def _is_there(self, pages: list[Page], length: int) -> bool:
        """Whether the window before a position is."""
        end = -(-length // self._cache.page)
        return all(page.near is not None for page in pages[self._first_seen(length) : end])

    def _first_seen(self, length: int) -> int:
        """The number of the first page that the row at this position sees near."""
        return max(0, length - self._cache.window + 1) // self._cache.page

    def _copy(self, begun: Page, rows: list[int]) -> None:
        """Goes on with a page of one's own, if there is memory, which begins as a known one."""
        near = begun.slot(near=True)
        self._cache.hold(begun.far)
        self._cache.hold(near)
        if page := self._cache.new_page():
            self._cache.copy(begun, page)
            self.pages.append(page)
            self.rows = rows
        self._cache.let_go(near, begun)
        self._cache.let_go(begun.far, begun)

    def _make_known(self, number: int, rows: tuple[int, ...]) -> None:
        """Or takes the page that is known by now for the same rows."""
        cache, page, parent = self._cache, self.pages[number], self.pages[number - 1] if number else self._cache.root
        known = parent.children.get(rows)
        if known is None:
            page.rows, page.parent, parent.children[rows] = rows, parent, page
            return
        cache.hold(known.far)
        if known.near is None:
            known.near, page.near = page.near, None
        else:
            cache.hold(known.near)
            cache.let_go(page.slot(near=True), page)
        cache.let_go(page.far, page)
        self.pages[number] = known

    def _let_go(self, start: int) -> None:
        """Of the pages from this number on, the last one first, so that it is forgotten first; of all near slots."""
        for number in reversed(range(len(self.pages))):
            page = self.pages[number]
            if number >= self.first_near:
                self._cache.let_go(page.slot(near=True), page)
            if number >= start:
                self._cache.let_go(page.far, page)


def _free_memory(device: torch.device) -> int:
    """Bytes that a device could give to this process now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def common(old: Iterable[int], new: Iterable[int]) -> int:
    """How long they are the same."""
    count = 0
    for left, right in zip(old, new, strict=False):
        if left != right:
            break
        count += 1
    return count
