"""JSON Schema -> the schema that a grammar masks by: as much of it as a mask can hold to.

llguidance compiles a schema into a mask. Here it is told to write compact JSON, and what would let a model run on for
ever, or be refused, is set right:

- integers without bounds get those of I-JSON (RFC 7493), so that their digits end; other numbers have no such form;
- a `format` that is not enforced is left out: since draft 2019-09 it is an annotation, which no validator checks;
- keywords that a mask cannot express are left out (`not`, `if`, `uniqueItems`, `contains`, `dependentRequired`, ...;
  patterns that look around or back), and `oneOf` is read as `anyOf`.

So a mask may allow more than the schema does: whoever takes the value validates it, as tools and outputs do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .conversation import JsonObject

_MAX_INTEGER: Final = 2**53 - 1  # RFC 7493, section 2.2
_LOWER, _UPPER = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")

_FORMATS: Final = frozenset("date-time time date duration email hostname ipv4 ipv6 uuid uri".split())
"""What llguidance 1.9 enforces (its docs/json_schema.md)."""

_LOOKS_AROUND: Final = re.compile(r"\(\?<?[=!]|\\[1-9]|\\k<")  # what the regular expressions of masks do not have

# Where a schema holds schemas: everything else is data, such as a `const` that looks like a schema.
_ONE: Final = frozenset("items additionalProperties not if then else contains propertyNames".split())
_LIST: Final = frozenset("allOf anyOf oneOf prefixItems".split())
_MAP: Final = frozenset("properties patternProperties $defs definitions dependentSchemas".split())


def maskable(schema: JsonObject) -> dict[str, Any]:
    """What to give to llguidance as `%json`. An `x-guidance` of the schema's own is not heard: tools are untrusted."""
    return {**_bounded(schema), "x-guidance": {"whitespace_flexible": False, "lenient": True}}


def _bounded(schema: Any) -> Any:
    if not isinstance(schema, Mapping):  # `true`, `false`, or not a schema: llguidance says which
        return schema
    result = {key: _inside(key, value) for key, value in schema.items() if not _is_beyond_masks(key, value)}
    kinds = schema.get("type")
    if kinds == "integer" or (isinstance(kinds, list) and "integer" in kinds and "number" not in kinds):
        bounds = [schema[key] for key in (*_LOWER, *_UPPER) if key in schema]
        if all(isinstance(bound, int | float) and abs(bound) <= _MAX_INTEGER for bound in bounds):
            if not any(key in schema for key in _LOWER):
                result["minimum"] = -_MAX_INTEGER
            if not any(key in schema for key in _UPPER):
                result["maximum"] = _MAX_INTEGER
    return result


def _inside(key: str, value: Any) -> Any:
    if key in _MAP and isinstance(value, Mapping):
        return {name: _bounded(part) for name, part in value.items()}
    if (key in _LIST or key in _ONE) and isinstance(value, list | tuple):
        return [_bounded(part) for part in value]
    return _bounded(value) if key in _ONE else value


def _is_beyond_masks(key: str, value: Any) -> bool:
    if key == "pattern":
        return isinstance(value, str) and _LOOKS_AROUND.search(value) is not None
    return key == "format" and isinstance(value, str) and value not in _FORMATS
