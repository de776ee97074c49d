"""How one line of the log is chained to the line before it. Plain Python, so that anybody can check a chain offline."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

GENESIS = "0" * 64


def canonical(facts: Mapping[str, Any]) -> bytes:
    """Return the one byte form of ``facts``: the JSON Canonicalization Scheme (RFC 8785)."""
    return rfc8785.dumps(dict(facts))


def storable(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``data`` as it will read back from a JSON column, so that its hash can be computed again.

    Raises ValueError for what canonical JSON cannot carry (NaN, integers beyond 2^53, objects that are no JSON values).
    """
    try:
        plain: dict[str, Any] = json.loads(rfc8785.dumps(dict(data)))
        return plain
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"An event's data must be plain JSON: {error}") from error


def chain(previous_hash: str, facts: Mapping[str, Any]) -> str:
    """Return the hash of a line: SHA-256, in hex, over the previous hash (ASCII), a line feed and the canonical facts."""
    return hashlib.sha256(previous_hash.encode("ascii") + b"\n" + canonical(facts)).hexdigest()


@dataclass(frozen=True)
class Break:
    """Where a chain does not hold, and what that means."""

    sequence: int
    sentence: str


@dataclass(frozen=True)
class Line:
    """One line as it is stored or exported."""

    sequence: int
    facts: Mapping[str, Any]
    previous_hash: str
    hash: str


def first_break(lines: Iterable[Line], *, after_sequence: int = 0, after_hash: str = GENESIS) -> Break | None:
    """Return the first line at which the chain does not hold, or None when all of it does.

    Finds a changed line (its hash differs), a removed one (a number is missing) and an inserted one (it does not chain). A
    cut-off tail cannot be seen from the lines alone: compare the last hash with a copy kept elsewhere.
    """
    expected_sequence, expected_hash = after_sequence + 1, after_hash
    for line in lines:
        if line.sequence != expected_sequence:
            missing = (
                f"{expected_sequence} to {line.sequence - 1}"
                if line.sequence > expected_sequence + 1
                else str(expected_sequence)
            )
            return Break(line.sequence, f"Event {missing} is missing before event {line.sequence}.")
        if line.previous_hash != expected_hash:
            return Break(line.sequence, f"Event {line.sequence} does not follow the event before it.")
        if chain(line.previous_hash, line.facts) != line.hash:
            return Break(line.sequence, f"Event {line.sequence} was changed after it was recorded.")
        expected_sequence, expected_hash = line.sequence + 1, line.hash
    return None
