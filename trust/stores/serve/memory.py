"""What a process remembers of tokens and artifacts, and how it notices that it must look again.

Each remembered thing keeps the number that shared memory had for it before the database was asked. A request compares numbers,
so that a change in between is seen at the next request.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection

from portal import errors
from trust.stores.serve import access, answer, generation, pulls, rates, resolve
from trust.stores.serve.repeats import Repeats

logger = logging.getLogger(__name__)
_MOST_TOKENS = 200_000
_MOST_ARTIFACTS = 10_000
_MOST_PATHS = 64  # of one token
_EVERYTHING = generation.EVERYTHING
Kept = tuple[int, str]  # an organization and a path


@dataclass(slots=True, eq=False)
class Remembered:
    """One artifact with its headers, and the answers that were given with it, by how somebody asked."""

    served: answer.Served
    plain: answer.Representation
    slot: int
    seen: int
    everything: int
    given: dict[Any, Any] = field(default_factory=dict)
    _gzip: answer.Representation | None = None
    _tried: bool = False

    def in_gzip(self) -> answer.Representation | None:
        """Return the artifact in gzip, made when somebody first asks for it; None where that does not pay."""
        if not self._tried:
            self._gzip, self._tried = answer.compressed(self.served), True
        return self._gzip


@dataclass(slots=True, eq=False)
class Opened:
    """What a token was found to open at one path, and where its pulls are noted."""

    remembered: Remembered
    cell: pulls.Cell | None


@dataclass(slots=True, eq=False)
class Token:
    """A token in force until ``until`` (seconds since 1970), and what it was found to open, by path."""

    access: access.Access
    slot: int
    seen: int
    everything: int
    until: float
    rate: rates.Rate
    owner: int  # the organization, as a number: a UUID is slow to compare
    opened: dict[str, Opened] = field(default_factory=dict)


class Memory:
    """The tokens and artifacts of one process."""

    def __init__(self, recorder: pulls.Recorder) -> None:
        self.recorder = recorder
        self.counters = generation.counters()
        self._words = self.counters.words
        self._tokens: dict[bytes, Token] = {}
        self._artifacts: dict[Kept, Remembered] = {}
        self._held = 0  # bytes of bodies
        self.repeats = Repeats()

    def open(self, secret: str, path: str, now: float) -> tuple[Token, Opened] | None:
        """Return what a token opens at a path, looked up only where memory does not hold it or may be old; None for nothing.

        ``now`` is in seconds since 1970.
        """
        found = self._at_hand(secret, path, now)
        if found is not None:
            return found
        token = self.token(secret, now)
        return None if token is None else self._open(token, path)

    def _at_hand(self, secret: str, path: str, now: float) -> tuple[Token, Opened] | None:
        # What every usual pull runs through, so it is written out: no call that can be spared.
        words = self._words
        everything = words[_EVERYTHING]
        token = self._tokens.get(sha256(secret.encode("utf-8", "surrogatepass")).digest())
        if (
            token is not None
            and words[token.slot] == token.seen
            and token.everything == everything
            and now < token.until
            and (opened := token.opened.get(path)) is not None
            and words[opened.remembered.slot] == opened.remembered.seen
            and opened.remembered.everything == everything
        ):
            return token, opened
        return None

    def knows(self, secret: str) -> Token | None:
        """Return the token with this secret if it is held and in force: no look-up."""
        token = self._tokens.get(_key(secret).digest())
        return token if token is not None and self._is_good(token, time.time()) else None

    def held(self, secret: str, path: str, now: float) -> tuple[Token, Opened] | None:
        """Return what ``open`` returns, if it needs no look-up."""
        token = self._tokens.get(_key(secret).digest())
        if token is None or not self._is_good(token, now):
            return None
        opened = token.opened.get(path)
        if opened is not None and self._is_new(opened.remembered):
            return token, opened
        remembered = self._artifacts.get((token.owner, path))
        return self._open(token, path) if remembered is not None and self._is_new(remembered) else None

    def token(self, secret: str, now: float) -> Token | None:
        """Return the token with this secret, or None when it is not in force."""
        digest = _key(secret)
        key = digest.digest()
        held = self._tokens.get(key)
        if held is not None and self._is_good(held, now):
            return held
        self._tokens.pop(key, None)
        return self._look_up(secret[:4], key, digest.hexdigest(), now)

    def _is_new(self, held: Remembered) -> bool:
        words = self._words
        return words[held.slot] == held.seen and words[_EVERYTHING] == held.everything

    def _is_good(self, token: Token, now: float) -> bool:
        words = self._words
        return words[token.slot] == token.seen and words[_EVERYTHING] == token.everything and now < token.until

    def slot(self, secret: str, path: str) -> int:
        """Return the place in shared memory that changes with the store at ``path``."""
        token, asked = self.token(secret, time.time()), answer.wanted(path)
        if token is None or asked is None:
            return _EVERYTHING
        return generation.slot_of(generation.store_key(token.access.organization_id, asked.name))

    def _look_up(self, prefix: str, key: bytes, digest: str, now: float) -> Token | None:
        words = self._words
        slot = generation.slot_of(generation.token_key(digest))
        seen, everything = words[slot], words[_EVERYTHING]
        found = _quietly(access.by_digest, prefix, digest, datetime.fromtimestamp(now, UTC))
        if found is None:
            return None
        if len(self._tokens) >= _MOST_TOKENS:
            self._tokens.clear()
        until = found.expires_at if found.recheck_after is None else min(found.expires_at, now + found.recheck_after)
        rate = rates.of(found.token_id) if found.token_id else rates.Rate()
        token = self._tokens[key] = Token(found, slot, seen, everything, until, rate, found.organization_id.int)
        return token if now < until else None

    def _open(self, token: Token, path: str) -> tuple[Token, Opened] | None:
        remembered = self._artifact(token, path)
        if remembered is None or not token.access.opens(remembered.served.store_id):
            return None
        if len(token.opened) >= _MOST_PATHS:
            token.opened.clear()
        store_id, before = remembered.served.store_id, token.opened.get(path)
        same = before is not None and before.remembered.served.store_id == store_id
        cell = before.cell if before and same else self.recorder.cell(token.access, store_id)
        token.opened[path] = opened = Opened(remembered, cell)
        return token, opened

    def _artifact(self, token: Token, path: str) -> Remembered | None:
        key, words = (token.owner, path), self._words
        held = self._artifacts.get(key)
        if held is not None and self._is_new(held):
            return held
        self._forget(key)
        asked = answer.wanted(path)
        if asked is None:
            return None
        slot = generation.slot_of(generation.store_key(token.access.organization_id, asked.name))
        seen, everything = words[slot], words[_EVERYTHING]
        served = _quietly(resolve.artifact, token.access, asked)
        if served is None:
            return None
        remembered = Remembered(served, answer.plain(served), slot, seen, everything)
        self._keep(key, remembered)
        return remembered

    def _keep(self, key: Kept, remembered: Remembered) -> None:
        if len(self._artifacts) >= _MOST_ARTIFACTS or self._held > settings.SERVE_MEMORY_BYTES:
            # Whatever else holds on to a body lets go of it too, so that the bound is one.
            self._artifacts, self._held = {}, 0
            self.repeats.forget()
            for token in list(self._tokens.values()):
                token.opened = {}
        self._artifacts[key] = remembered
        self._held += len(remembered.served.content)

    def _forget(self, key: Kept) -> None:
        gone = self._artifacts.pop(key, None)
        if gone is not None:
            self._held -= len(gone.served.content)


def _key(secret: str) -> Any:
    return sha256(secret.encode("utf-8", "surrogatepass"))


def _quietly(look_up: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a look-up finds, or None for anything that Django should answer: a refusal, or a database that is away."""
    _close_old_connections()
    try:
        return look_up(*arguments)
    except errors.Refusal:
        return None
    except Exception:
        logger.warning("A look-up for the fast path failed; Django answers", exc_info=True)
        return None
    finally:
        _close_old_connections()


def _close_old_connections() -> None:
    # Django does this around its own requests. Inside a transaction the connection belongs to whoever began it.
    if not connection.in_atomic_block:
        close_old_connections()
