"""JSON that means the same to every reader: no repeated members, NaN or lone surrogates, bounded depth."""

from __future__ import annotations

import json
import re

_DEPTH = 20
_BRACKETS = re.compile(rb"[\[\]{}]")


class BadJson(ValueError):
    """The text is not JSON that all readers agree on. The message is fit to be shown."""


def read_json(content: bytes, *, limit: int = 1024 * 1024) -> object:
    """Parse UTF-8 JSON strictly (RFC 8259, RFC 7493). Raises BadJson."""
    if len(content) > limit:
        raise BadJson(f"it is larger than {limit} bytes")
    # Depth is measured before parsing: the parser is recursive.
    if _is_too_deep(content):
        raise BadJson(f"it is nested deeper than {_DEPTH} levels")
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise BadJson("it is not clean UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error)[:200]) from None
    return document


def _is_too_deep(content: bytes) -> bool:
    # Brackets inside strings count too: an upper bound is enough, and real documents stay far below it.
    depth = 0
    for bracket in _BRACKETS.finditer(content):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > _DEPTH:
            return True
    return False


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadJson("a member name is repeated")
    return members


def _constant(text: str) -> object:
    raise BadJson(f"{text} is not a JSON number")
