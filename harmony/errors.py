"""The HarmonyError tree: everything this package raises on purpose."""


class HarmonyError(ValueError):
    """A message cannot be rendered, or token ids are not harmony."""


class RenderError(HarmonyError):
    """A message has no form in the format, such as a tool message without a name."""


class GrammarError(HarmonyError):
    """A turn that no grammar describes, such as a required call where there is no tool."""


class VocabularyError(HarmonyError):
    """A token id has no meaning in this vocabulary, or a restriction of it is not closed."""


class ParseError(HarmonyError):
    """Token ids that a strict parser refuses.

    offset: index of the offending token among all that were fed; state: what the parser was reading;
    token: the offending id, None where the input ended too early.
    """

    def __init__(self, what: str, *, offset: int, state: str, token: int | None = None) -> None:
        super().__init__(what)
        self.offset = offset
        self.state = state
        self.token = token
