"""What the model reads of a long result, and where the rest is."""

import re

from hypothesis import given
from hypothesis import strategies as st

from cadenza.tools import ToolResult, fit


def test_a_long_result_keeps_head_and_tail_and_says_where_the_whole_is() -> None:
    whole = "<" + "é" * 50_000 + ">"
    result = fit(ToolResult(text=whole), 32 * 1024, name="call-3.txt")
    head, line, tail = result.text.split("\n")
    assert (head[0], tail[-1]) == ("<", ">")
    assert line == f"[{50_002 - len(head) - len(tail)} characters left out; the whole is kept as call-3.txt]"
    assert len(result.text.encode()) <= 32 * 1024
    [kept] = result.artefacts
    assert (kept.name, kept.media_type, kept.data.decode()) == ("call-3.txt", "text/plain", whole)


@given(st.text(max_size=400), st.integers(1, 300))
def test_nothing_is_lost_and_what_fits_is_as_it_was(text: str, limit: int) -> None:
    result = fit(ToolResult(text=text, status="error"), limit)
    if len(text.encode()) <= limit:
        assert result == ToolResult(text=text, status="error")
        return
    [kept] = result.artefacts
    assert (kept.data.decode(), result.status) == (text, "error")
    [left_out] = re.findall(r"\n\[(\d+) characters left out; the whole is kept as result.txt\]\n", result.text)
    note = f"\n[{left_out} characters left out; the whole is kept as result.txt]\n"
    assert len(result.text) == len(text) - int(left_out) + len(note)
    assert limit < 120 or fit(result, limit) == result
