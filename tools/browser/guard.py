"""Where a fetch may go: addresses of the public internet alone, so that no page leads to a service of this network.

- A name is resolved once; every address that it has must be a global one, and the one that was checked is dialled. A
  name that answers differently the next time (DNS rebinding) gains nothing.
- Each redirect is checked as the first address was.
- Only http and https, on the ports of the web, and without a name or a password in the address.

How the exceptions are made that tests need is for Python alone: no task file can say it.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

import anyio
import httpx2

from ..errors import ToolRetry
from .reader import clean_line

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
PORTS: Final = frozenset({80, 443, 8080, 8443})
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")  # NAT64: the last 32 bits are an IPv4 address
_TUNNELS: Final = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32"))  # to any IPv4 address


def is_public(address: Address) -> bool:
    """Whether it is of the public internet, and of one host there; an IPv4 address inside counts for itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _TRANSLATED:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if any(address in tunnel for tunnel in _TUNNELS) or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, the preferred one first. Raises OSError."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """allow: globs of hosts that may be fetched from, all if it is empty; may_dial: which addresses; tls: whose
    certificates are believed, None for those of the authorities that this machine knows.
    """

    allow: tuple[str, ...] = ()
    ports: frozenset[int] | None = PORTS
    resolve: Resolve = resolve
    may_dial: Callable[[Address], bool] = is_public
    tls: ssl.SSLContext | None = None

    def check(self, url: str) -> httpx2.URL:
        """The address in its parts. Raises ToolRetry that says why it is refused."""
        shown = clean_line(url)
        try:
            parts = httpx2.URL(url)
            host = parts.raw_host.decode().lower().rstrip(".")
        except (httpx2.InvalidURL, ValueError, TypeError):
            raise ToolRetry(f"{shown}: no address") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ToolRetry(f"{shown}: only addresses that begin with http:// or https:// can be opened")
        if parts.userinfo:
            raise ToolRetry(f"{shown}: an address with a name or a password in it is not opened")
        if self.ports is not None and port_of(parts) not in self.ports:
            raise ToolRetry(f"{shown}: port {port_of(parts)} is none of the web; it is not opened")
        if self.allow and not any(fnmatchcase(host, glob.lower()) for glob in self.allow):
            raise ToolRetry(f"{shown}: only these hosts may be opened: {', '.join(self.allow)}")
        return parts

    async def address(self, url: httpx2.URL) -> str:
        """The one to dial. Raises ToolRetry."""
        host = url.raw_host.decode().strip("[]")
        try:
            found = [ipaddress.ip_address(text.partition("%")[0]) for text in await self.resolve(host, port_of(url))]
        except (OSError, ValueError):  # UnicodeError, for names that are none, among them
            found = []
        if not found:
            raise ToolRetry(f"{clean_line(host)}: no such host")
        if not all(map(self.may_dial, found)):
            raise ToolRetry(f"{clean_line(host)}: not an address of the public internet; it is not opened")
        return str(found[0])


def port_of(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Dials the address that the guard has checked. The host's name stays in the request and in the TLS handshake."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        # Connections are not kept: one to an address must not serve another name at it.
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._inner = httpx2.AsyncHTTPTransport(verify=guard.tls or True, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises ToolRetry for what the guard refuses."""
        url = self._guard.check(str(request.url))
        request.extensions = {**request.extensions, "sni_hostname": url.raw_host.decode()}
        request.url = url.copy_with(host=await self._guard.address(url))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
