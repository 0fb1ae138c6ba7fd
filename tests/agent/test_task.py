"""Task files: every fault at its place, all at once, and nothing run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.agent import UserError
from cadenza.agent.task import TaskError
from cadenza.agent.taskfile import load, parse
from cadenza.model.engines.completions import CompletionsEngine
from cadenza.model.engines.http import Server


def bomb(key: str) -> str:
    """Each line is nine times the one before it, as a list of it or as what is merged in."""
    lines = (f"  l{at}: &l{at} {{{key}: [{', '.join([f'*l{at - 1}'] * 9)}]}}" for at in range(1, 12))
    return "\n".join(["input: a", "output:", "  l0: &l0 {a: 1}", *lines])


def faults(text: str) -> list[str]:
    with pytest.raises(TaskError) as caught:
        parse(text, "t.yaml")
    return caught.value.faults


def test_a_whole_task_becomes_an_agent() -> None:
    task = parse(
        """
version: 1
name: t
model: nano
effort: high
sampling: {temperature: 0.5, top_p: 0.9, seed: 3, max_tokens: 8k}
params:
  city: {type: string}
  days: {type: integer, default: 3}
instructions: Plan {{ city }}.
input: "{{days}} days in {{ city }}"
tools:
  - python: {sandbox: monty, timeout: 5, cpus: 2, network: false}
limits: {turns: 4, tokens: 1.5k, tool_calls: 2}
""",
        "t.yaml",
    )
    values = task.fill({"city": "Paris {{ days }}"})
    agent = task.agent(values, effort="low")
    assert task.question(values) == "3 days in Paris {{ days }}"
    assert agent.instructions == "Plan Paris {{ days }}."
    assert (agent.effort, agent.sampling.seed, agent.limits.tokens, agent.limits.turn_tokens) == ("low", 3, 1500, 8000)


def test_all_faults_are_told_at_once_with_their_places() -> None:
    text = "efort: low\nsampling: {temperature: hot}\ntools:\n  - pyton\ninput: '{{ a }}'\nlimits: {turns: 0}\n"
    assert faults(text) == [
        "t.yaml:1:1: efort: unknown key; did you mean 'effort'?",
        "t.yaml:2:12: sampling.temperature: input should be a valid number",
        "t.yaml:4:5: tools[0]: no tool 'pyton'; there is python",
        "t.yaml:5:1: input: {{ a }} is not declared in params",
        "t.yaml:6:10: limits.turns: input should be greater than or equal to 1",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "t.yaml:1:1: a task is a mapping with at least `input: ...`"),
        ("- input", "t.yaml:1:1: a task is a mapping with at least `input: ...`"),
        ("name: x", "t.yaml:1:1: input: missing"),
        ("input: [a", "t.yaml:1:10: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("input: a\ninput: b", "t.yaml:2:1: input: stands here a second time"),
        ("input: a\nversion: 2", "t.yaml:2:1: version: input should be 1"),
        ("input: !!python/object/apply:os.system [id]", "t.yaml:1:8: not YAML: could not determine a constructor"),
        ("input: a\ntools: [python: {network: true}]", "t.yaml:2:18: tools[0].python.network: input should be False"),
        (
            "input: a\ntools: [python: {cpus: 0}]",
            "t.yaml:2:18: tools[0].python.cpus: input should be greater than or equal to 0.01",
        ),
        ("input: a\ntools: [python: {unsafe_local: true}]", "t.yaml:2:18: tools[0].python.unsafe_local: unknown key"),
        (
            "input: a\napprove: {deny: [rm -rf]}",
            "t.yaml:2:11: approve.deny: 'rm -rf' is no rule; write tool, tool(glob)",
        ),
        ("input: a\napprove: {granted: ['*']}", "t.yaml:2:11: approve.granted: unknown key"),
        ("input: a\nlimits: {tokens: 2x}", "t.yaml:2:10: limits.tokens: '2x' is no whole number; write 2000 or 2k"),
        ("input: a\nlimits: {time: soon}", "t.yaml:2:10: limits.time: 'soon' is no time; write 90, 90s, 15m or 2h"),
        (
            "input: a\nlimits: {same_call: 0}",
            "t.yaml:2:10: limits.same_call: input should be greater",
        ),
        (
            "input: a\nworkspace: ./w",
            "t.yaml:2:1: workspace: none of the tools uses one; python and files and shell can",
        ),
        ("input: a\ntools: [python]\nworkspace: .", "t.yaml:3:1: workspace: '.' is not below the task's folder"),
        ("input: a\ntools: [python]\nworkspace: w/../..", "t.yaml:3:1: workspace: 'w/../..' is not below"),
        ("input: a\ntools: [python]\nworkspace: w\njournal: w/j.db", "t.yaml:4:1: journal: lies in the workspace"),
        ("input: a\nmodel: 3", "t.yaml:2:1: model: input should be a valid string"),
        ("input: a\nmodel: {engine: completions}", "t.yaml:2:1: model: engine completions needs base_url and name"),
        (
            "input: a\nmodel: {engine: vllm}",
            "t.yaml:2:9: model.engine: input should be 'torch', 'completions', 'chat', 'responses' or 'scripted'",
        ),
        ("input: a\nmodel: {engine: scripted, turns: [], name: x}", "t.yaml:2:1: model: engine scripted takes no name"),
        (
            "input: a\nmodel: {engine: completions, base_url: x}",
            "t.yaml:2:30: model.base_url: 'x' is no address; write",
        ),
        (
            "input: a\nmodel: {engine: completions, base_url: 'http://a:99999/v1'}",
            "t.yaml:2:30: model.base_url: 'http://a:99999/v1' is no address; write",
        ),
        (
            "input: a\nmodel: {engine: completions, api_key: k-1}",
            "t.yaml:2:30: model.api_key: write the name of an env",
        ),
        (
            "input: a\nmodel: {engine: completions, base_url: , name: n}",
            "t.yaml:2:1: model: engine completions needs base_",
        ),
        (
            "input: a\nmodel: {engine: chat, base_url: 'http://a', api_key: }",
            "t.yaml:2:1: model: engine chat needs name",
        ),
        ("input: '{{ a }}'\nparams: 5", "t.yaml:1:1: input: {{ a }} is not declared in params"),
        (
            "input: '{{ a }}'\nparams: {a: {type: integer, default: b}}",
            "t.yaml:2:10: params.a: default: 'b' is no integer",
        ),
        (
            "input: a\nparams: {a: {default: 2026-01-01}}",
            "t.yaml:2:14: params.a.default: must be text, a number, true or",
        ),
        (
            "input: a\nsampling: {temperature: .inf}",
            "t.yaml:2:12: sampling.temperature: input should be a finite number",
        ),
        ("<<: {input: '{{ a }}'}", "t.yaml:1:6: input: {{ a }} is not declared in params"),
        ("input: a\ntools: [python]\n<<: [{workspace: .}]", "t.yaml:3:7: workspace: '.' is not below the task's"),
        ("input: a\ntools: [{name: pyhton}]", "t.yaml:2:10: tools[0].name: no tool 'pyhton'; there is python"),
        ('input: a\ntools: [{file: "a\\0"}]', r"t.yaml:2:10: tools[0].file: 'a\x00': embedded null byte"),
        ('input: a\ntools: [python]\nworkspace: "\\0"', "t.yaml:3:1: workspace: '\\x00': embedded null byte"),
        ('input: a\njournal: "\\0"', "t.yaml:2:1: journal: '\\x00': embedded null byte"),
        (f"input: a\ntools: [{{file: {'x' * 300}}}]", f"t.yaml:2:10: tools[0].file: '{'x' * 80}': File name too long"),
        ("&x {input: a, params: *x}", "t.yaml:1:1: an alias stands in what it refers to"),
        ("input: a\noutput: &x {type: [*x, *x]}", "t.yaml:2:9: an alias stands in what it refers to"),
        ("input: a\noutput: " + "{a: " * 60 + "1" + "}" * 60, "t.yaml:2:206: output.a.a...: nested too deeply"),
        (bomb("x"), "t.yaml:7:15: aliases here stand for more than 10,000 copies"),
        (bomb("<<"), "t.yaml:7:16: aliases here stand for more than 10,000 copies"),
    ],
)
def test_a_fault_has_one_clear_line(text: str, fault: str) -> None:
    assert faults(text)[0].startswith(fault)


def test_a_server_becomes_an_engine_with_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "input: a\nmodel: {engine: completions, base_url: http://127.0.0.1:8000/v1/, name: gpt-oss, api_key: SOME_KEY}"
    )
    task = parse(text, "t.yaml")
    with pytest.raises(UserError, match="the environment variable SOME_KEY is not set"):
        task.agent({})
    monkeypatch.setenv("SOME_KEY", "sesame")
    served = task.agent({}).model
    assert served == CompletionsEngine(
        server=Server(base_url="http://127.0.0.1:8000/v1", api_key="sesame"), name="gpt-oss"
    )


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="no such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"input: \xe4")
    with pytest.raises(TaskError, match="not UTF-8 text, at byte 7"):
        load(tmp_path / "latin.yaml")


def test_a_number_with_a_letter_is_exact() -> None:
    limits = parse(f"input: a\nlimits: {{turns: 1.001k, tokens: 1{'0' * 400}k}}", "t.yaml").limits
    assert (limits.turns, limits.tokens) == (1001, 10**403)


def test_params_are_checked() -> None:
    task = parse("input: '{{ a }}{{ b }}'\nparams: {a: {type: integer}, b: {}}", "t.yaml")
    with pytest.raises(TaskError) as caught:
        task.fill({"a": "x", "c": "1"})
    assert caught.value.faults == [
        "--param a: 'x' is no integer",
        "--param b: missing; give --param b=...",
        "--param c: not declared in the task; declared: a, b",
    ]


@given(st.text(alphabet=st.sampled_from("input: a[]{}&*!-\n'\"|>#%@`\t0\u00e9"), max_size=60))
def test_any_text_is_a_task_or_a_task_error(text: str) -> None:
    told = ["t.yaml:"]
    try:
        parse(text, "t.yaml")
    except TaskError as error:
        told = error.faults
    assert all(fault.startswith("t.yaml:") for fault in told)
