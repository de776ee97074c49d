"""Text of a partner, made safe to show: what is not printable ASCII is spelled out as a code point.

Names in certificates may hold NUL, line feeds, terminal escapes, text direction overrides and letters that
look like others. People compare names before they trust a certificate, so a name is never shown as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from enum import Enum

_ZERO_WIDTH = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e")
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_SCRIPTS_WORTH_TELLING_APART = frozenset(
    {
        "LATIN",
        "GREEK",
        "CYRILLIC",
        "ARMENIAN",
        "HEBREW",
        "ARABIC",
        "CHEROKEE",
        "COPTIC",
        "GEORGIAN",
        "FULLWIDTH",
    }
)
_SHOWN_AT_MOST = 1024


class Mark(Enum):
    """Why a text deserves a second look."""

    CONTROL = "control characters"
    DIRECTION = "text direction characters"
    ZERO_WIDTH = "invisible characters"
    MIXED_SCRIPT = "mixed script"
    NOT_ASCII = "letters outside ASCII"


def escape(text: str, *, limit: int = _SHOWN_AT_MOST, also: str = "") -> str:
    """Return `text` with every character that is not printable ASCII written as `<U+XXXX>`.

    A literal `<` or `>` is written with a backslash, so that the escapes cannot be imitated, and so is each
    character of `also`. Cut after `limit` characters, with the number of those that were left out.
    """
    quoted = "<>\\" + also
    shown = "".join("\\" + one if one in quoted else _escape_one(one) for one in text[:limit])
    left_out = len(text) - limit
    return f"{shown} ... ({left_out} more characters)" if left_out > 0 else shown


def _escape_one(character: str) -> str:
    if " " <= character <= "~":
        return character
    return f"<U+{ord(character):04X}>"


def marks(text: str) -> frozenset[Mark]:
    """Return why `text` deserves a second look; empty for plain ASCII."""
    if text.isascii() and text.isprintable():
        return frozenset()
    found = {mark for character in set(text) if (mark := _mark_of(character)) is not None}
    if len(_scripts(text)) > 1:
        found.add(Mark.MIXED_SCRIPT)
    return frozenset(found)


def _mark_of(character: str) -> Mark | None:
    if character in _DIRECTIONS:
        return Mark.DIRECTION
    if character in _ZERO_WIDTH:
        return Mark.ZERO_WIDTH
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
        return Mark.CONTROL
    return None if character.isascii() else Mark.NOT_ASCII


def _scripts(text: Iterable[str]) -> set[str]:
    # The first word of a letter's Unicode name is its script for the alphabets that imitate each other.
    names = (unicodedata.name(character, "").split(" ", 1)[0] for character in text if character.isalpha())
    return {name for name in names if name in _SCRIPTS_WORTH_TELLING_APART}
