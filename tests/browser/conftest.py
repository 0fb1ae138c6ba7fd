"""A site on loopback with everything that a fetch has to bear, and a guard that lets it through.

Names are made up and resolve to loopback here alone; what the guard refuses by itself is tested with the real one.
"""

from __future__ import annotations

import gzip
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from cadenza.tools.browser import Guard

HOST = "site.test"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def pdf(text: str) -> bytes:
    """A PDF of one page."""
    writer = PdfWriter()
    page = writer.add_blank_page(300, 200)
    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(key): NameObject(value) for key, value in names.items()})
    fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    stream = DecodedStreamObject()
    stream.set_data(f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode())
    page[NameObject("/Contents")] = writer._add_object(stream)
    writer.add_metadata({"/Title": "A paper"})
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


@dataclass
class Site:
    """port: where it listens; asked: every path, in order; hosts: the name in each request; named: in each handshake;
    robots: what /robots.txt answers.
    """

    port: int = 0
    asked: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    named: list[str | None] = field(default_factory=list)
    robots: tuple[int, str] = (404, "")

    def url(self, path: str, host: str = HOST, scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        return

    def handle(self) -> None:
        with suppress(ConnectionError, ssl.SSLError):  # the other side had enough
            super().handle()

    def do_GET(self) -> None:
        self.site.asked.append(self.path)
        self.site.hosts.append(self.headers["Host"])
        self.answer(self.path.partition("?")[0])

    def answer(self, path: str) -> None:
        match path:
            case "/robots.txt":
                self.send(self.site.robots[1].encode(), "text/plain", status=self.site.robots[0])
            case "/page":
                self.send(b"<title>Page</title><p>Hello, <a href='/next'>next</a>.</p>")
            case "/latin":
                self.send("<p>gr\xfcn</p>".encode("latin-1"), "text/html; charset=ISO-8859-1")
            case "/broken":
                self.send(b"<p>caf\xc3\xa9 caf\xc3\xa9 \xff\xfe bad</p>", "text/html; charset=utf-8")
            case "/lying":
                self.send("<p>grün</p>".encode(), "text/html; charset=klingon")
            case "/paper":
                self.send(pdf("Tides are slow."), "application/pdf")
            case "/unnamed":
                self.send(pdf("Tides are slow."), "text/html")
            case "/image":
                self.send(b"\x89PNG", "image/png")
            case "/packed":
                self.send(gzip.compress(b"<p>small</p>"), extra={"Content-Encoding": "gzip"})
            case "/bomb":
                self.send(gzip.compress(b"\0" * (64 << 20)), extra={"Content-Encoding": "gzip"})
            case "/twice":
                self.send(gzip.compress(gzip.compress(b"x")), extra={"Content-Encoding": "gzip, gzip"})
            case "/damaged":
                self.send(b"no gzip at all", extra={"Content-Encoding": "gzip"})
            case "/huge" | "/slow":
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.close_connection = True
                while True:
                    self.wfile.write(b"x" * 65536 if path == "/huge" else b"x")
                    if path == "/slow":
                        time.sleep(0.05)
            case "/loop":
                self.redirect("/loop")
            case "/to":
                self.redirect(self.path.partition("?")[2])
            case "/twice-there":
                self.redirect("/page")
            case "/cookie":
                self.send(self.headers.get("Cookie", "none").encode(), extra={"Set-Cookie": "a=1"})
            case _:
                self.send(b"gone", status=404)

    def send(
        self, body: bytes, kind: str = "text/html", *, status: int = 200, extra: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(extra or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, location: str) -> None:
        self.send(b"", status=302, extra={"Location": location})


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on loopback for as long as the block takes; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls is not None:  # shaken hands in the thread of each connection
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with serving(type("OfThisSite", (Handler,), {"site": site})) as site.port:
        yield site


async def here(host: str, port: int) -> list[str]:
    """Every name under .test is this machine; the others are as they are."""
    return ["127.0.0.1"] if host.endswith(".test") else [host]


@pytest.fixture
def guard() -> Guard:
    """Dials loopback, and nothing else that the real one would not."""
    return Guard(ports=None, resolve=here, may_dial=lambda address: str(address) == "127.0.0.1")
