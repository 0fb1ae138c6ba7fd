"""Fetching over TLS: the address that was checked is dialled, and the name is what the certificate is held to."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest
import trustme

from cadenza.tools import ToolRetry
from cadenza.tools.browser import Caps, Guard
from cadenza.tools.browser.fetch import Fetcher

from .conftest import Handler, Site, serving

pytestmark = pytest.mark.anyio
Serve = Callable[..., AbstractContextManager[Site]]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Which nobody has heard of, unless told."""
    return trustme.CA()


@pytest.fixture
def told(guard: Guard, authority: trustme.CA) -> Guard:
    """The guard, with the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return replace(guard, tls=context)


@pytest.fixture
def secure(authority: trustme.CA) -> Serve:
    """Serves the site with a certificate for names, and notes the names that clients ask for by SNI."""

    @contextmanager
    def serve(*names: str) -> Iterator[Site]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        site = Site()
        context.sni_callback = lambda _, asked, __: site.named.append(asked)
        with serving(type("OfThisSite", (Handler,), {"site": site}), tls=context) as site.port:
            yield site

    return serve


async def fetched(guard: Guard, url: str) -> bytes:
    return (await Fetcher(guard=guard, caps=Caps(seconds=20), robots=False).get(url)).data


async def test_a_page_comes_from_the_address_and_under_the_name(secure: Serve, told: Guard) -> None:
    looked_up = []

    async def here(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    with secure("site.test") as site:
        assert b"Hello" in await fetched(replace(told, resolve=here), site.url("/page", scheme="https"))
        assert site.named == ["site.test"]
        assert site.hosts == [f"site.test:{site.port}"]
    assert looked_up == ["site.test"]


async def test_a_redirect_is_held_to_its_own_name(secure: Serve, told: Guard) -> None:
    with secure("site.test", "there.test") as site:
        there = site.url("/page", host="there.test", scheme="https")
        assert b"Hello" in await fetched(told, site.url(f"/to?{there}", scheme="https"))
        assert site.named == ["site.test", "there.test"]


@pytest.mark.parametrize(
    ("name", "is_told", "why"),
    [
        ("other.test", True, "Hostname mismatch, certificate is not valid for 'site.test'"),
        ("127.0.0.1", True, "Hostname mismatch, certificate is not valid for 'site.test'"),
        ("site.test", False, "unable to get local issuer certificate"),
    ],
)
async def test_a_certificate_of_another_name_or_of_nobody_known_is_refused_in_a_line(
    secure: Serve, told: Guard, guard: Guard, name: str, is_told: bool, why: str
) -> None:
    with secure(name) as site:
        url = site.url("/page", scheme="https")
        with pytest.raises(ToolRetry) as refused:
            await fetched(told if is_told else guard, url)
        assert site.named == ["site.test"]
        assert site.asked == []
    text = str(refused.value)
    assert text.startswith(f"{url}: cannot be fetched: ")
    assert why in text
    assert len(text.splitlines()) == 1
