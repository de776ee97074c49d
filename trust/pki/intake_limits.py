"""How much of an upload is looked at. Every number is a wall against a hostile file, far above any real
bundle.
"""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes. The defaults follow the portal's security requirements; a real package has about ten
    kilobytes.
    """

    upload: int = 10 * MEGABYTE
    members: int = 64
    member: int = 5 * MEGABYTE
    unpacked: int = 20 * MEGABYTE
    ratio: int = 100
    certificates: int = 500
    nesting: int = 4
    """How deep the secrets scan follows archives and encodings inside each other."""
    text_runs: int = 20_000
    """How many base64 runs the secrets scan decodes in one member."""


LIMITS = Limits()
