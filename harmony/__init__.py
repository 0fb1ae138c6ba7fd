"""The harmony format: conversations, the vocabulary, rendering, parsing, transcripts.

Pure functions and values: no I/O but the bundled vocabulary, no model.
Read in this order: conversation, vocabulary, render, parse, policy, transcript, grammar.
"""

from .conversation import (
    EFFORTS,
    NO_TOOL,
    Channel,
    Content,
    Conversation,
    DeveloperContent,
    Effort,
    JsonObject,
    Message,
    ResponseFormat,
    Role,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespace,
    has_functions,
    is_call,
)
from .errors import GrammarError, HarmonyError, ParseError, RenderError, VocabularyError
from .grammar import CallTo, ReasoningBudget, ToolChoice, TurnGrammar, TurnSpec, turn_grammar
from .header import Header, Repair
from .parse import HeaderShown, MessageFinished, MessageStarted, ParseEvent, Parser, TextDelta, parse
from .policy import POLICIES, UNANSWERED, Policy, keep_all, mend_calls, per_turn, reference
from .reference_parser import StreamableParser, StreamState, parse_like_reference
from .render import content_text, open_turn, render, render_conversation
from .schema import Mask, mask_of
from .transcript import Provenance, Span, Transcript
from .typescript import Mode, typescript
from .vocabulary import (
    MESSAGE_ENDS,
    STOP_TOKENS,
    TURN_STOP_TOKENS,
    VOCABULARY_SIZE,
    BytePairVocabulary,
    Special,
    Vocabulary,
    is_special,
    o200k_harmony,
    restricted,
)

__all__ = [
    "EFFORTS",
    "MESSAGE_ENDS",
    "NO_TOOL",
    "POLICIES",
    "STOP_TOKENS",
    "TURN_STOP_TOKENS",
    "UNANSWERED",
    "VOCABULARY_SIZE",
    "BytePairVocabulary",
    "CallTo",
    "Channel",
    "Content",
    "Conversation",
    "DeveloperContent",
    "Effort",
    "GrammarError",
    "HarmonyError",
    "Header",
    "HeaderShown",
    "JsonObject",
    "Mask",
    "Message",
    "MessageFinished",
    "MessageStarted",
    "Mode",
    "ParseError",
    "ParseEvent",
    "Parser",
    "Policy",
    "Provenance",
    "ReasoningBudget",
    "RenderError",
    "Repair",
    "ResponseFormat",
    "Role",
    "Span",
    "Special",
    "StreamState",
    "StreamableParser",
    "SystemContent",
    "TextContent",
    "TextDelta",
    "ToolChoice",
    "ToolDescription",
    "ToolNamespace",
    "Transcript",
    "TurnGrammar",
    "TurnSpec",
    "Vocabulary",
    "VocabularyError",
    "content_text",
    "has_functions",
    "is_call",
    "is_special",
    "keep_all",
    "mask_of",
    "mend_calls",
    "o200k_harmony",
    "open_turn",
    "parse",
    "parse_like_reference",
    "per_turn",
    "reference",
    "render",
    "render_conversation",
    "restricted",
    "turn_grammar",
    "typescript",
]
