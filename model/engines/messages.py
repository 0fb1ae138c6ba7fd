"""A server that takes messages and tools instead of ids: the Chat or the Responses API of Ollama, vLLM, a hosted model.

The run's ids stay its only history. A prompt is read back into messages, which go to the server in its own form, with
the reasoning since the last question; what it says comes back as ids of a harmony turn, marked as foreign. So the loop,
the journal and `resume` know no difference, and the guarantee is smaller: text for text instead of id for id, and what
a server holds to of a schema is its own affair. Everything is validated, as everywhere.

A turn may hold several calls, with no text after them; their results come back in the same order.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from cadenza.harmony import (
    Channel,
    DeveloperContent,
    Effort,
    JsonObject,
    Message,
    Provenance,
    Role,
    Special,
    TurnGrammar,
    TurnSpec,
    Vocabulary,
    content_text,
    is_call,
    o200k_harmony,
    open_turn,
    parse,
    render,
)

from ..engine import Capabilities, Sampled, Sampling
from ..errors import ModelError
from .http import Away, Server
from .items import Asked, Called, Delta, Ended, Item, Refused, Returned, Said, Thought, Tool, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesEngine:
    """server: where it is; name: as it calls the model; wire: the API that it speaks; context: tokens in all."""

    server: Server
    name: str
    wire: Wire
    context: int = 131_072
    vocabulary: Vocabulary = field(default_factory=o200k_harmony)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(mask="none", ids=False, several_calls=True, context=self.context)

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        stop: frozenset[int],
        limit: int,
        constraint: TurnGrammar | None = None,
    ) -> AsyncGenerator[Sampled, None]:
        """constraint: its `spec` has the tools; without it there are none.

        Raises ModelError for a server that refuses, stays away or breaks off, for tools that it cannot name, and for a
        prompt that is too long.
        """
        if len(prompt) >= self.context:
            raise ModelError(f"the prompt has {len(prompt)} tokens; {self.name} takes up to {self.context - 1}")
        limit = min(limit, self.context - len(prompt))  # vLLM refuses to be asked for more
        if limit <= 0:
            return
        spec = TurnSpec() if constraint is None else constraint.spec
        tools = _tools(spec, constraint)
        effort, items = _conversation(prompt, spec, tools, self.vocabulary)
        asked = Asked(
            model=self.name,
            items=items,
            tools=tools,
            output=spec.output,
            effort=effort,
            sampling=sampling,
            limit=limit,
        )
        turn, begun = _Turn(self.vocabulary, tools), False
        async with aclosing(self._deltas(asked)) as deltas:
            async for delta in deltas:
                for id in turn.hear(delta):
                    if limit == 0:
                        return
                    limit, begun = limit - 1, True
                    yield Sampled(id, 0.0, Provenance.FOREIGN)
                if turn.over:
                    return
        if not begun:
            raise self.server.wrong("the answer is empty")

    async def close(self) -> None:
        """There is nothing to free: each turn has a connection of its own."""

    async def _deltas(self, asked: Asked) -> AsyncGenerator[Delta, None]:
        """Attempts again where the server went away before it said anything: an answer has no middle to begin in."""
        failed, begun = 0, False
        async with self.server.connection() as connection:
            while True:
                try:
                    async with (
                        aclosing(connection.events(self.wire.path, self.wire.body(asked))) as events,
                        aclosing(self.wire.deltas(events)) as deltas,
                    ):
                        async for delta in deltas:
                            begun = True
                            yield delta
                            if isinstance(delta, Ended):
                                return
                    raise Away("the answer broke off")
                except Away as error:
                    if begun:
                        raise self.server.wrong(f"{error}, in the middle; resume the run to ask again") from None
                    failed += 1
                    await self.server.wait(error, failed)
                except Refused as error:
                    raise self.server.wrong(error) from None
                except (LookupError, TypeError, AttributeError, ValueError) as error:
                    raise self.server.wrong(f"the answer is not what the API says: {error!r}") from None


class _Turn:
    """What a server says, as the ids of a turn."""

    def __init__(self, vocabulary: Vocabulary, tools: Sequence[Tool]) -> None:
        self.over = False
        self._vocabulary = vocabulary
        self._tools = {tool.name: tool for tool in tools}
        self._open: Message | None = None
        self._called = False
        self._held: list[str] = []

    def hear(self, delta: Delta) -> Iterator[int]:
        """Text may turn out to introduce a call: where there are tools, it is held back until that is known."""
        match delta:
            case Thought(text):
                yield from self._say(_THOUGHT, text)
            case Said(_, text) if self._tools:
                self._held.append(text)
            case Said(_, text):
                yield from self._say(_ANSWER, text)
            case Called(_, name, arguments):
                yield from self._release(_PREAMBLE)
                yield from self._call(name, arguments)
                self._called = True
            case Ended(cut):
                yield from self._release(_PREAMBLE if self._called else _ANSWER)
                self.over = self._called or self._open is not None
                if self._open is not None and not cut:
                    yield int(Special.RETURN if self._open is _ANSWER else Special.END)

    def _call(self, name: str, arguments: str) -> Iterator[int]:
        tool = self._tools.get(name)
        if tool is None:  # the run will say that there is none
            call = Message.assistant("", channel=Channel.COMMENTARY, recipient=f"functions.{name}", content_type=_JSON)
        else:
            call, arguments = tool.call, arguments if tool.in_json else _code(arguments)
        yield from self._say(call, arguments)
        yield int(Special.CALL)
        self._open = None

    def _release(self, header: Message) -> Iterator[int]:
        if text := "".join(self._held):
            self._held.clear()
            yield from self._say(header, text)

    def _say(self, header: Message, text: str) -> Iterator[int]:
        if header is not self._open:
            opened = open_turn(self._vocabulary)
            if self._open is not None:
                yield int(Special.END)
            if self._open is not None or self._called:
                yield from opened
            yield from render(header, self._vocabulary)[len(opened) : -1]
            self._open = header
        yield from self._vocabulary.encode(text)


_OWN: Final = ("python", "browser")  # of gpt-oss: a server may take a function of that name for it
_JSON: Final = f"{Special.CONSTRAIN.text}json"
_THOUGHT: Final = Message.assistant("", channel=Channel.ANALYSIS)
_PREAMBLE: Final = Message.assistant("", channel=Channel.COMMENTARY)
_ANSWER: Final = Message.assistant("", channel=Channel.FINAL)
_CODE: Final[JsonObject] = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}
_NOTHING: Final[JsonObject] = {"type": "object", "properties": {}}


def _code(arguments: str) -> str:
    """What a tool that takes text is called with; arguments that are not as they were asked for, as they are."""
    try:
        code = json.loads(arguments)["code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return arguments
    return code if isinstance(code, str) else arguments


def _tools(spec: TurnSpec, constraint: TurnGrammar | None) -> list[Tool]:
    """Raises ModelError for two tools that would have one name on the server."""
    calls = {end.label: end.message for end in constraint.ends} if constraint is not None else {}
    tools: dict[str, Tool] = {}
    for space in (*spec.built_in, *spec.functions):
        in_text = not space.tools and space.name in calls
        made = [Tool(space.name, space.description or "", _CODE, calls[space.name], in_json=False)] if in_text else []
        for tool in space.tools:
            call = calls.get(f"{space.name}.{tool.name}")
            if call is not None:  # the tool choice allows it
                made.append(Tool(_named(call), tool.description, tool.parameters or _NOTHING, call))
        for each in made:
            if each.name in tools:
                raise ModelError(f"a server that takes no dots in names cannot tell two tools apart: {each.name}")
            tools[each.name] = each
    return list(tools.values())


def _named(call: Message) -> str:
    """A call's recipient, as APIs allow names."""
    whole = call.recipient or ""
    name = whole.removeprefix("functions.")
    return re.sub(r"[^a-zA-Z0-9_-]", "_", whole if name in _OWN else name)[:64]


def _conversation(
    prompt: Sequence[int], spec: TurnSpec, tools: Sequence[Tool], vocabulary: Vocabulary
) -> tuple[Effort, list[Item]]:
    """A prompt as messages. The server writes a system message of its own, and the tools."""
    effort: Effort = "medium"
    items: list[Item] = []
    calls, waiting = 0, list[str]()  # those without a result, in order
    as_text = {tool.call.recipient for tool in tools if not tool.in_json}
    for finished in parse(prompt[: -len(open_turn(vocabulary))], vocabulary):
        message, text = finished.message, finished.message.text
        match message.role:
            case Role.SYSTEM:
                if found := re.search(r"^Reasoning: (low|medium|high)$", text, re.M):
                    effort = found[1]  # type: ignore[assignment] # the pattern has the three
            case Role.DEVELOPER:
                items.append(Said("system", _instructions(text, spec)))
            case Role.USER:
                waiting.clear()  # what has no result by now will get none
                items.append(Said("user", text))
            case Role.TOOL:
                items.append(Returned(waiting.pop(0) if waiting else f"call_{calls}", text))
            case Role.ASSISTANT if is_call(message):
                calls += 1
                waiting.append(f"call_{calls}")
                arguments = json.dumps({"code": text}) if message.recipient in as_text else text
                items.append(Called(waiting[-1], _named(message), arguments))
            case Role.ASSISTANT if message.channel == Channel.ANALYSIS:
                items.append(Thought(text))
            case Role.ASSISTANT:
                items.append(Said("assistant", text))
    return effort, [item for item in items if item != Said("system", "")]


def _instructions(text: str, spec: TurnSpec) -> str:
    """A developer message without what the server will say of tools and formats itself."""
    text = text.removeprefix("# Instructions\n\n")
    if spec.output is not None:  # its schema has no line of its own that begins so
        text = text[: max(text.rfind("# Response Formats\n\n"), 0)].removesuffix("\n\n")
    if spec.functions:
        text = text.removesuffix(content_text(DeveloperContent(tools=spec.functions))).removesuffix("\n\n")
    return text
