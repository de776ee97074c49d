"""What changed between two versions of the terms: by clause, and word by word. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from trust.agreements.clauses import CLAUSES

_WORD = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words in a row. ``kind`` is ``same``, ``del`` or ``ins``."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ClauseChange:
    """One clause that reads differently."""

    number: str
    title: str
    before: str
    after: str
    pieces: tuple[Piece, ...]


def clauses(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ClauseChange, ...]:
    """Return the clauses whose words differ between two versions of ``terms``, in the order of their numbers."""
    changes = []
    for clause in CLAUSES:
        old, new = "\n".join(clause.sentences(before)), "\n".join(clause.sentences(after))
        if old != new:
            changes.append(ClauseChange(clause.number, clause.title, old, new, words(old, new)))
    return tuple(changes)


def words(before: str, after: str) -> tuple[Piece, ...]:
    """Return two texts as one: the words that stay, that go and that come. Joining what stays and goes gives ``before``."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    pieces: list[Piece] = []
    for operation, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if operation == "equal":
            pieces.append(Piece("same", _joined(old, a, b)))
            continue
        if a < b:
            pieces.append(Piece("del", _joined(old, a, b)))
        if c < d:
            pieces.append(Piece("ins", _joined(new, c, d)))
    return tuple(pieces)


def _joined(found: Sequence[str], start: int, end: int) -> str:
    return "".join(found[start:end])
