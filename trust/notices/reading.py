"""Reading JSON from outside without being led astray. Plain Python.

``json.loads`` takes the last of two members with one name, NaN, numbers that no other reader keeps, and documents nested as
deep as the stack; each of them lets a signed notice say one thing to us and another to somebody else (RFC 8785 section 3.1, RFC
7493).
"""

import json
from typing import Any

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_MEMBERS = 200
SAFE_INTEGER = 2**53 - 1


class Unreadable(Exception):
    """The bytes are no JSON object that can be read in one way only. ``code`` is stable, the text a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def read_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in ``content``. Raises Unreadable."""
    if len(content) > MAX_BYTES:
        raise Unreadable("too_large", "The notice is larger than 256 kB.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", "The notice is not UTF-8.") from error
    if "\x00" in text or text.startswith("\ufeff"):
        raise Unreadable("not_plain", "The notice holds a NUL or starts with a byte order mark.")
    _require_shallow(text)
    try:
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_fraction,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise Unreadable("not_json", f"The notice is not JSON: line {error.lineno}, column {error.colno}.") from error
    if not isinstance(found, dict):
        raise Unreadable("not_object", "The notice is not a JSON object.")
    return found


def _require_shallow(text: str) -> None:
    """Refuse nesting before the parser recurses; brackets inside strings do not count."""
    depth, inside, escaped = 0, False, False
    for character in text:
        if inside:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Unreadable("too_deep", "The notice is nested deeper than 20 levels.")
        elif character in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_MEMBERS:
        raise Unreadable("too_many_members", "The notice has more than 200 members in one object.")
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Unreadable("duplicate_member", f"The notice has the member {json.dumps(name)[:60]} twice.")
        _require_text(name)
        _require_texts(value)
        found[name] = value
    return found


def _require_texts(value: Any) -> None:
    if isinstance(value, str):
        _require_text(value)
    elif isinstance(value, list):
        for each in value:
            _require_texts(each)


def _require_text(value: str) -> None:
    # json turns \u0000 and \ud800 into what PostgreSQL cannot store and UTF-8 cannot write.
    if "\x00" in value or any(0xD800 <= ord(each) <= 0xDFFF for each in value):
        raise Unreadable("not_text", "The notice holds a NUL or half a character in a text.")


def _constant(name: str) -> Any:
    raise Unreadable("not_a_number", f"The notice holds {name}, which is no JSON.")


def _fraction(text: str) -> Any:
    raise Unreadable(
        "fraction", "The notice holds a number with a fraction; none is needed, and readers round differently."
    )


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > SAFE_INTEGER:
        raise Unreadable("large_number", "The notice holds a number beyond 2^53; write serial numbers as text.")
    return int(text)
