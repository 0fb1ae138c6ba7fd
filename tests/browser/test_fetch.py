"""Fetching from a real server: what is let through, what is refused, and what it costs when a server is hostile."""

from __future__ import annotations

import stat
from ipaddress import ip_address
from pathlib import Path

import pytest

from cadenza.tools import ToolRetry
from cadenza.tools.browser import BrowserTool, Caps, Guard, Reader
from cadenza.tools.browser.fetch import Fetcher
from cadenza.tools.browser.fetched import FetchCache, Fetched
from cadenza.tools.browser.guard import is_public

from .conftest import Site

pytestmark = pytest.mark.anyio
CAPS = Caps(bytes=1 << 20, seconds=60.0)


async def read(fetched: Fetched) -> list[str]:
    reader = Reader()
    try:
        page = await reader.page(fetched.kind, fetched.data, url=fetched.url, charset=fetched.charset)
    finally:
        await reader.close()
    return list(page.lines)


async def refused(guard: Guard, url: str, caps: Caps = CAPS) -> str:
    with pytest.raises(ToolRetry) as told:
        await Fetcher(guard=guard, caps=caps).get(url)
    return str(told.value)


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("/page", ["Hello, 【0†next】."]),
        ("/latin", ["grün"]),
        ("/broken", ["café café �� bad"]),
        ("/lying", ["grün"]),
        ("/packed", ["small"]),
        ("/paper", ["## Page 1", "", "Tides are slow."]),
        ("/unnamed", ["## Page 1", "", "Tides are slow."]),
        ("/twice-there", ["Hello, 【0†next】."]),
    ],
)
async def test_a_page_is_fetched_and_read(site: Site, guard: Guard, path: str, lines: list[str]) -> None:
    assert await read(await Fetcher(guard=guard, caps=CAPS).get(site.url(path))) == lines


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/image", "is image/png, which cannot be read as text"),
        ("/huge", "larger than 1 MB"),
        ("/bomb", "larger than 1 MB"),
        ("/twice", "is packed as gzip, gzip, which was not asked for"),
        ("/damaged", "cannot be fetched: Error -3"),
        ("/loop", "more than 5 redirects"),
        ("/none", "the server answers 404 Not Found"),
        ("/to?ftp://site.test/", "only addresses that begin with http:// or https:// can be opened"),
        ("/to?http://[::bad/", "cannot be fetched"),
    ],
)
async def test_what_cannot_be_had_is_told_in_a_line(site: Site, guard: Guard, path: str, why: str) -> None:
    told = await refused(guard, site.url(path))
    assert why in told
    assert len(told.splitlines()) == 1


async def test_a_server_that_drips_is_left_in_time(site: Site, guard: Guard) -> None:
    assert "not there within 3 seconds" in await refused(guard, site.url("/slow"), Caps(seconds=3.0))


PRIVATE = """
http://127.0.0.1/ http://localhost/ http://[::1]/ http://2130706433/ http://0x7f.1/ http://0/ http://[::]/
http://10.0.0.1/ http://169.254.169.254/latest/meta-data/ http://192.168.1.1/ http://100.64.0.1/ http://[fd00::1]/
http://[::ffff:127.0.0.1]/ http://[64:ff9b::7f00:1]/ http://[2002:7f00:1::]/ http://224.0.0.1/ http://255.255.255.255/
"""


@pytest.mark.parametrize("address", PRIVATE.split())
async def test_addresses_that_are_not_public_are_refused_by_default(address: str) -> None:
    assert "not an address of the public internet" in await refused(Guard(), address)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "only addresses that begin with"),
        ("gopher://site.test/", "only addresses that begin with"),
        ("http://", "only addresses that begin with"),
        ("http://me:secret@site.test/", "with a name or a password in it"),
        ("http://site.test:22/", "port 22 is none of the web"),
        ("http://a:b:c/", "no address"),
        ("http://no-such-host.invalid/", "no such host"),
        ("http://[fe80::1%25eth0]/", "no such host"),
    ],
)
async def test_addresses_that_are_none_of_the_web_are_refused(url: str, why: str) -> None:
    assert why in await refused(Guard(), url)


async def test_a_redirect_to_a_private_address_is_refused_and_never_dialled(site: Site, guard: Guard) -> None:
    inner = f"http://127.0.0.2:{site.port}/page"
    assert "not an address of the public internet" in await refused(guard, site.url(f"/to?{inner}"))
    assert "/page" not in site.asked


async def test_a_name_that_turns_private_after_the_check_is_not_dialled(site: Site, guard: Guard) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1", "10.0.0.1"]])

    async def rebinding(host: str, port: int) -> list[str]:
        return next(answers)

    loose = Guard(ports=None, resolve=rebinding, may_dial=guard.may_dial)
    fetcher = Fetcher(guard=loose, caps=CAPS, robots=False)
    assert (await fetcher.get(site.url("/page"))).kind == "html"
    assert (await fetcher.get(site.url("/page"))).kind == "html"
    with pytest.raises(ToolRetry, match="not an address of the public internet"):
        await fetcher.get(site.url("/page"))


async def test_the_name_is_looked_up_once_and_stays_in_the_request(site: Site, guard: Guard) -> None:
    asked = []

    async def counting(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    counted = Guard(ports=None, resolve=counting, may_dial=guard.may_dial)
    await Fetcher(guard=counted, caps=CAPS, robots=False).get(site.url("/page", host="Other.test"))
    assert asked == ["other.test"]
    assert site.hosts == [f"other.test:{site.port}"]


async def test_only_hosts_that_are_allowed_are_opened_also_by_a_redirect(site: Site, guard: Guard) -> None:
    narrow = Guard(allow=("site.*",), ports=None, resolve=guard.resolve, may_dial=guard.may_dial)
    assert (await Fetcher(guard=narrow, caps=CAPS).get(site.url("/page"))).kind == "html"
    told = await refused(narrow, site.url(f"/to?{site.url('/page', host='evil.test')}"))
    assert "only these hosts may be opened: site.*" in told


@pytest.mark.parametrize(
    ("robots", "why"),
    [
        ((200, "User-agent: *\nDisallow: /pa*e$\n"), "robots.txt does not allow"),
        ((200, "User-agent: cadenza\nDisallow: /\n\nUser-agent: *\nAllow: /\n"), "robots.txt does not allow"),
        ((503, ""), "answers 503"),
        ((200, "User-agent: other\nDisallow: /\n"), ""),
        ((403, ""), ""),
        ((200, "\0\xff" * 400_000), ""),
    ],
)
async def test_robots_are_kept_to(site: Site, guard: Guard, robots: tuple[int, str], why: str) -> None:
    site.robots = robots
    fetcher = Fetcher(guard=guard, caps=CAPS)
    if why:
        assert why in await refused(guard, site.url("/page"))
        assert "/page" not in site.asked
    else:
        await fetcher.get(site.url("/page"))
        await fetcher.get(site.url("/latin"))
        assert site.asked == ["/robots.txt", "/page", "/latin"]


async def test_nothing_that_a_site_leaves_behind_outlives_a_fetch(site: Site, guard: Guard) -> None:
    fetcher = Fetcher(guard=guard, caps=CAPS)
    assert (await fetcher.get(site.url("/cookie"))).data == b"none"
    assert (await fetcher.get(site.url("/cookie"))).data == b"none"


async def test_a_page_is_kept_for_a_while_in_a_file_of_ones_own(site: Site, guard: Guard, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "fetched.db"
    fetcher = Fetcher(guard=guard, caps=CAPS, cache=FetchCache(path))
    first = await fetcher.get(site.url("/twice-there#top"))
    again = await Fetcher(guard=guard, caps=CAPS, cache=FetchCache(path)).get(site.url("/twice-there"))
    assert again == first
    assert site.asked == ["/robots.txt", "/twice-there", "/page"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    narrow = Guard(allow=("other.test",), ports=None, resolve=guard.resolve, may_dial=guard.may_dial)
    with pytest.raises(ToolRetry, match="only these hosts"):
        await Fetcher(guard=narrow, cache=FetchCache(path)).get(site.url("/twice-there"))
    assert FetchCache(path, seconds=0).get(site.url("/twice-there")) is None
    small = FetchCache(path, most=len(first.data))
    small.put("https://new.test/", first)
    assert small.get(site.url("/twice-there")) is None
    assert small.get("https://new.test/") == first


async def test_a_cache_that_cannot_be_written_costs_nothing(site: Site, guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database " * 100)
    for path in (tmp_path / "file", tmp_path / "file" / "below.db"):
        assert (await Fetcher(guard=guard, caps=CAPS, cache=FetchCache(path)).get(site.url("/page"))).kind == "html"


async def test_the_tool_opens_follows_views_source_and_cites(site: Site, guard: Guard) -> None:
    async with BrowserTool(allow=("*.test",), guard=guard).open() as session:
        opened = await session.call("browser.open", f'{{"id": "{site.url("/page")}"}}')
        assert (
            opened.text == f"[0] Page ({site.url('/page')})\n**viewing lines [0 - 0] of 0**\n\nL0: Hello, 【0†next】."
        )
        followed = await session.call("browser.open", '{"id": 0}')
        assert followed.text == f"{site.url('/next')}: the server answers 404 Not Found"
        source = await session.call("browser.open", '{"view_source": true}')
        assert "L0: <title>Page</title><p>Hello, <a href='/next'>next</a>.</p>" in source.text
        again = await session.call("browser.open", '{"view_source": true, "loc": 0}')
        assert again.text == source.text.replace("[1]", "[2]", 1)
        await session.call("browser.find", '{"pattern": "title"}')
        asked = list(site.asked)
        listed = await session.call("browser.open", '{"view_source": true}')
        assert listed.text == "results of `search` or `find` have no source to view; open one first"
        found = await session.call("browser.open", '{"id": 0, "view_source": true}')
        assert found.text == source.text.replace("[1]", "[4]", 1)
        assert site.asked == asked
        (cited,) = session.citations("So 【0†L0】.")
        assert (cited.url, cited.title, cited.text) == (site.url("/page"), "Page", "Hello, next.")


def test_public_addresses_are_told_from_others() -> None:
    for text in ("8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"):
        assert is_public(ip_address(text)), text
    for text in (
        "0.0.0.0",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "64:ff9b:1::1",
    ):
        assert not is_public(ip_address(text)), text
