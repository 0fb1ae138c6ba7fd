"""From the bytes of a document to lines that a model can read: HTML, Markdown, PDF and plain text.

What is read was written by anyone, and every parser has inputs that take it hours. So this file is also a program: it
runs in a process of its own (see `reading`), which is killed when it is late.

- HTML is parsed by lexbor, as browsers do; what a reader would not see is left out. Markdown becomes HTML first.
- A link is `【id†text†host】`, without the host where it is the page's own, as gpt-oss was trained to see it.
- Text cannot forge that: its brackets become 〖 〗. What could steer a terminal, or cannot be seen, is taken out.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from .. import plain

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

WIDTH: Final = 80
"""Columns of a line: what gpt-oss was trained on."""
MOST_CHARACTERS: Final = 1_000_000
"""Of a page; the rest is left out, and the page says so."""
_MOST_MEMORY: Final = 2 << 30  # bytes of address space: a small PDF can hold a huge stream

_REPLACED: Final = str.maketrans({"【": "〖", "】": "〗", **dict.fromkeys("\x0b\x0c\x85\u2028\u2029", "\n")})
_ONE_LINE: Final = re.compile(rf"(.{{1,{WIDTH}}})(?:\s+|$)|(.{{{WIDTH}}})")
"""Up to a space, else in the middle of a word."""
_LINK: Final = re.compile(r"【\d+†([^†】]*)(†[^†】]*)?】")
_BLANK_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")


def clean(text: str) -> str:
    """As `plain` does, line ends kept; no 【 】."""
    return plain.clean(text.replace("\r\n", "\n").replace("\r", "\n").translate(_REPLACED))


def clean_line(text: str, limit: int = 200) -> str:
    """Clean text as one line of at most so many characters."""
    return plain.clean_line(clean(text), limit)


def link(number: int, text: str, host: str = "") -> str:
    """How a link is shown."""
    text, host = (clean_line(part).replace("†", "‡") for part in (text, host))
    return f"【{number}†{text}†{host}】" if host else f"【{number}†{text}】"


def without_links(text: str) -> str:
    """Text with what links say in their place; it has as many lines."""
    return _LINK.sub(lambda found: found[1] + "\n" * (found[2] or "").count("\n"), text)


def wrap(text: str) -> list[str]:
    """The lines of clean text, broken at WIDTH."""
    text = _BLANK_LINES.sub("\n\n", text.strip("\n"))
    if len(text) > MOST_CHARACTERS:
        text = f"{text[:MOST_CHARACTERS]}\n\n[the rest is left out: {len(text) - MOST_CHARACTERS:,} characters]"
    lines = (line.rstrip().expandtabs() for line in text.split("\n"))
    return [part for line in lines for part in (_broken(line) if len(line) > WIDTH else [line])]


def _broken(line: str) -> list[str]:
    return [whole or piece for whole, piece in _ONE_LINE.findall(line)]


def read(kind: str, data: bytes, *, url: str = "", charset: str = "") -> dict[str, Any]:
    """Title, lines and links (addresses by their id) of a document.

    kind: html, markdown, pdf, or text for anything else; url: what links are relative to; charset: what the server
    says. Raises ValueError that says why it cannot be read.
    """
    if kind == "pdf":
        title, text = _pdf(data)
        return {"title": title, "lines": wrap(clean(text)), "links": []}
    text = decode(data, charset)
    if kind == "markdown":
        kind, text = "html", _markdown_to_html(text)
    if kind == "html":
        page = _Html(url)
        page.read(text)
        return {"title": page.title, "lines": wrap("".join(page.pieces)), "links": list(page.links)}
    return {"title": "", "lines": wrap(clean(text)), "links": []}


# --- characters -------------------------------------------------------------------------------------------------------

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META: Final = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_CHARSETS: Final = re.compile(
    r"utf-8|utf-16(-[lb]e)?|cp125\d|cp866|cp874|iso8859-\d+|koi8-[ru]|mac-(roman|cyrillic)|gbk|gb2312|gb18030|big5"
    r"|euc_(jp|kr)|cp949|shift_jis|iso2022_jp"
)
"""Python's names of the encodings that browsers know; its other codecs (utf-7, punycode) are not for pages."""


def decode(data: bytes, charset: str = "") -> str:
    """As browsers do: a byte order mark, then what the server says, then a `meta`, then UTF-8, then Windows-1252."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    told = _META.search(data[:4096])
    for label in (charset, told[1].decode() if told else ""):
        if name := _codec(label):
            return data.decode(name, "replace")
    text = data.decode(errors="replace")
    damage = text.count("\ufffd")
    is_utf8 = damage == 0 or sum(char > "\x7f" for char in text) > 2 * damage
    return text if is_utf8 else data.decode("cp1252", "replace")


def _codec(label: str) -> str:
    try:
        name = codecs.lookup(label.strip()).name if label else ""
    except (LookupError, ValueError):
        return ""
    if name in ("iso8859-1", "ascii"):
        return "cp1252"
    return name if _CHARSETS.fullmatch(name) else ""


# --- HTML -------------------------------------------------------------------------------------------------------------

_UNSEEN: Final = frozenset(
    "audio canvas embed head iframe map math noscript object script select style svg template video".split()
)
_BLOCKS: Final = frozenset(
    "address article aside body center dd details dialog div dl dt fieldset figcaption figure footer form header "
    "hgroup legend li main nav ol optgroup option section summary tbody tfoot thead tr ul".split()
)
_PARAGRAPHS: Final = frozenset("blockquote h1 h2 h3 h4 h5 h6 hr p pre table".split())


@dataclass
class _Html:
    """A page as it is read. pieces: of its text; links: address -> id."""

    url: str
    title: str = ""
    pieces: list[str] = field(default_factory=list)
    links: dict[str, int] = field(default_factory=dict)
    _breaks: int = 0  # line ends that are due before the next text
    _space: bool = False  # a space is due
    _lists: list[int] = field(default_factory=list)  # the next number of each open list, 0 for bullets
    _pre: int = 0
    _address: str = ""  # of the open link
    _label: list[str] | None = None  # its text

    def read(self, html: str) -> None:
        from selectolax.lexbor import LexborHTMLParser

        tree = LexborHTMLParser(html)
        if base := tree.css_first("base[href]"):
            self.url = self._resolved(base.attributes.get("href") or "") or self.url
        for selector in ("title", "h1"):
            named = tree.css_first(selector)
            if named is not None and not self.title:
                self.title = clean_line(named.text())
        node = tree.root
        while node is not None:  # without recursion: a page may be nested thousands deep
            is_read = self._enter(node)
            if is_read and node.first_child is not None:
                node = node.first_child
                continue
            if is_read:
                self._leave(node)
            while node is not None and node.next is None:
                node = node.parent
                if node is not None:
                    self._leave(node)
            node = None if node is None else node.next

    def _enter(self, node: LexborNode) -> bool:
        """Whether what is inside is to be read too."""
        tag = node.tag or ""
        if node.is_text_node:
            self._text(node.text_content or "")
        if not node.is_element_node:
            return bool(node.is_document_node)
        given = node.attributes
        style = (given.get("style") or "").replace(" ", "").lower()
        if tag in _UNSEEN or "hidden" in given or "display:none" in style or "visibility:hidden" in style:
            return False
        self._break(tag)
        match tag:
            case "a" if self._label is None and (address := self._resolved(given.get("href") or "")):
                self._address, self._label = address, []
            case "ul" | "ol":
                self._lists.append(1 if tag == "ol" else 0)
            case "li":
                self._item()
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._put("#" * int(tag[1]) + " ")
            case "td" | "th" if node.prev is not None and self._breaks == 0:
                self._space = False
                self._put(" | ")
            case "br":
                self._breaks += 1
            case "hr":
                self._put("---")
            case "img" if given.get("alt"):
                self._text(f"[Image: {given['alt']}]")
            case "pre":
                self._pre += 1
        return True

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "a" and self._label is not None:
            label, self._label = "".join(self._label), None
            if label.strip():
                self._put(self._linked(label))
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag == "pre":
            self._pre = max(0, self._pre - 1)
        self._break(tag)

    def _break(self, tag: str) -> None:
        due = 2 if tag in _PARAGRAPHS else 1 if tag in _BLOCKS else 0
        if due and self._label is not None:
            self._label.append(" ")
        elif due:
            self._breaks, self._space = max(self._breaks, due), False

    def _item(self) -> None:
        number = self._lists[-1] if self._lists else 0
        if number:
            self._lists[-1] += 1
        self._put("  " * max(1, min(len(self._lists), 10)) + (f"{number}. " if number else "* "))

    def _text(self, text: str) -> None:
        text = clean(text)
        if self._label is not None:
            self._label.append(text)
        elif self._pre:
            self._put(text)
        elif words := " ".join(text.split()):
            self._space = self._space or text[0].isspace()
            self._put(words)
            self._space = text[-1].isspace()
        else:
            self._space = self._space or bool(text)

    def _put(self, text: str) -> None:
        if self._label is not None:
            self._label.append(text)
            return
        if self.pieces and self._breaks:
            self.pieces.append("\n" * self._breaks)
        elif self.pieces and self._space and not self.pieces[-1].endswith((" ", "\n")):
            self.pieces.append(" ")
        self.pieces.append(text)
        self._breaks, self._space = 0, False

    def _linked(self, label: str) -> str:
        number = self.links.setdefault(self._address, len(self.links))
        host = urlsplit(self._address).netloc
        return link(number, label, "" if host == urlsplit(self.url).netloc else host)

    def _resolved(self, href: str) -> str:
        """The address that a link leads to; empty for a place on the page, and for what no page is (`mailto:`)."""
        href = clean_line(href, 2000)
        try:
            whole = urljoin(self.url, href)
            scheme = urlsplit(whole).scheme
        except ValueError:
            return ""
        return whole if href and not href.startswith("#") and scheme in ("http", "https", "") else ""


def _markdown_to_html(text: str) -> str:
    from markdown_it import MarkdownIt

    html: str = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    return html


# --- PDF --------------------------------------------------------------------------------------------------------------


def _pdf(data: bytes) -> tuple[str, str]:
    """Title and text, a heading for each page. Raises ValueError."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ValueError("the PDF wants a password")
        title = clean_line(str("" if reader.metadata is None else reader.metadata.title or ""))
        parts: list[str] = []
        size = 0
        for number, page in enumerate(reader.pages, 1):
            parts.append(f"## Page {number}\n\n{page.extract_text()}")
            size += len(parts[-1])
            if size > MOST_CHARACTERS:
                break
    except ValueError:
        raise
    except (PyPdfError, MemoryError, RecursionError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"the PDF is damaged: {clean_line(f'{type(error).__name__}: {error}')}") from None
    except ImportError:
        raise ValueError("the PDF is encrypted in a way that cannot be read here") from None
    return title, "\n\n".join(parts)


# --- the program ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Serves requests from stdin until it ends: a line of JSON with `size`, then so many bytes; a line of JSON back."""
    import logging
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    logging.disable()  # pypdf tells of every oddity
    replies = sys.stdout
    sys.stdout = sys.stderr
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        data = sys.stdin.buffer.read(asked.pop("size"))
        try:
            reply = read(data=data, **asked)
        except (ValueError, MemoryError, RecursionError) as error:
            reply = {"error": clean_line(str(error) or type(error).__name__)}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
