"""What changed between two versions of the terms: by clause, and word by word. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from trust.agreements.clauses import CLAUSES

_WORD = re.compile(r"\s+|[^\s]+")
_ALIKE = 0.6  # of the words; below, two sentences are shown one after the other


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


def clauses(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> tuple[ClauseChange, ...]:
    """Return the clauses whose words differ between two versions of ``terms``, in the order of their numbers."""
    changes = []
    for clause in CLAUSES:
        old, new = "\n".join(clause.sentences(before, names)), "\n".join(clause.sentences(after, names))
        if old != new:
            changes.append(ClauseChange(clause.number, clause.title, old, new, words(old, new)))
    return tuple(changes)


def words(before: str, after: str) -> tuple[Piece, ...]:
    """Return two texts as one: what stays, what goes and what comes. Joining what stays and goes gives ``before``.

    Sentences that have little in common are shown one after the other: word by word they could not be read.
    """
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pieces: list[Piece] = []
    for operation, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if operation == "equal":
            pieces.append(Piece("same", "".join(old[a:b])))
        elif operation == "replace" and b - a == d - c:
            for one, other in zip(old[a:b], new[c:d], strict=True):
                pieces.extend(_word_by_word(one, other))
        else:
            pieces.extend(_whole("".join(old[a:b]), "".join(new[c:d])))
    return tuple(pieces)


def _whole(before: str, after: str) -> list[Piece]:
    return [piece for piece in (Piece("del", before), Piece("ins", after)) if piece.text]


def _word_by_word(before: str, after: str) -> list[Piece]:
    old, new = _WORD.findall(before), _WORD.findall(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if SequenceMatcher(None, before.split(), after.split(), autojunk=False).ratio() < _ALIKE:
        return _whole(before, after)
    pieces: list[Piece] = []
    for operation, a, b, c, d in matcher.get_opcodes():
        if operation == "equal":
            pieces.append(Piece("same", _joined(old, a, b)))
        else:
            pieces.extend(_whole(_joined(old, a, b), _joined(new, c, d)))
    return pieces


def _joined(found: Sequence[str], start: int, end: int) -> str:
    return "".join(found[start:end])
