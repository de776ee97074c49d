"""Reading JSON so that nobody reads it in another way: no name twice, no NaN, no fractions, no numbers beyond 2^53."""

import json
from typing import Any

_SAFE = 2**53 - 1


class NotPlain(ValueError):
    """The bytes are no JSON object that can be read in one way only; the message is a sentence."""


def read_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in ``content`` (RFC 7493, RFC 8785 section 3.1). Raises NotPlain."""
    try:
        found = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=_refused,
            parse_float=_refused,
            parse_int=_whole,
        )
    except NotPlain:
        raise
    except (ValueError, RecursionError) as error:
        raise NotPlain(f"It is not JSON in UTF-8: {error}") from error
    if not isinstance(found, dict):
        raise NotPlain("It is not a JSON object.")
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotPlain("A JSON object has a name twice.")
    return found


def _refused(text: str) -> Any:
    raise NotPlain(f"It holds the number {text[:40]}; write whole numbers, and others as text.")


def _whole(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _SAFE:
        raise NotPlain("It holds a number beyond 2^53; write serial numbers as text.")
    return int(text)
