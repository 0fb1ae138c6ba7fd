"""The ModelError tree: everything this package raises on purpose, each in one line."""


class ModelError(Exception):
    """A model cannot be found, loaded or run."""


class CheckpointError(ModelError):
    """A checkpoint is incomplete or does not fit its own configuration; names the file and the tensor."""


class ConfigError(ModelError):
    """A config.json does not describe a gpt-oss model."""


class ConstraintError(ModelError):
    """A turn cannot be held to its grammar: a schema that cannot be masked, or nothing that could come next.

    end: the call or the final answer whose schema it is, if it is one; reason: why.
    """

    def __init__(self, message: str, *, end: str | None = None, reason: str = "") -> None:
        super().__init__(message)
        self.end = end
        self.reason = reason
