"""Content codings of an artifact: gzip where it pays (RFC 9110 sections 8.4.1.3 and 12.5.3).

Nothing in an artifact is secret, so its length may show what it holds.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache

# One packet carries this much anyway.
_SMALLEST = 1400  # bytes
# What saves less is not worth unpacking.
_PAYS = 0.9
_MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class Packed:
    """An artifact in gzip. ``sha256`` is lower-case hex over exactly ``content``."""

    content: bytes
    sha256: str


_kept: dict[str, Packed | None] = {}


def packed(sha256: str, content: bytes) -> Packed | None:
    """Return ``content``, whose digest is ``sha256``, in gzip; None where that does not pay. The last ones are kept."""
    if sha256 not in _kept:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[sha256] = _pack(content)
    return _kept.get(sha256)


def _pack(content: bytes) -> Packed | None:
    if len(content) < _SMALLEST:
        return None
    # Without the time of day, so that equal contents give equal bytes.
    made = gzip.compress(content, 6, mtime=0)
    return Packed(made, hashlib.sha256(made).hexdigest()) if len(made) <= _PAYS * len(content) else None


@lru_cache(maxsize=256)
def takes_gzip(accept_encoding: str) -> bool:
    """Say whether an ``Accept-Encoding`` header asks for gzip. ``*`` does not: whoever says nothing else gets the plain bytes."""
    for part in accept_encoding[:500].lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        if name in ("gzip", "x-gzip"):
            return not any(_is_zero(each) for each in parameters)
    return False


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip() in ("0", "0.0", "0.00", "0.000")
