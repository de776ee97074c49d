"""``trustx fingerprint``: prints fingerprints to read aloud, from files, without network."""

import sys
from collections.abc import Iterable
from pathlib import Path

from trustx import fingerprint, reading
from trustx.saying import out
from trustx.stops import Exit


def print_all(files: Iterable[Path]) -> Exit:
    """Print every fingerprint of ``files``: in groups, as it is said, and as PGP words.

    A file that cannot be read is said on standard error, the others are still printed, and the outcome is USAGE.
    """
    outcome = Exit.OK
    for path in files:
        try:
            found = fingerprint.read(reading.whole(path))
        except (fingerprint.CannotRead, OSError) as problem:
            print(f"{path}: {getattr(problem, 'strerror', None) or problem}", file=sys.stderr)
            outcome = Exit.USAGE
            continue
        if not _print(found):
            break
    return outcome


def _print(found: Iterable[fingerprint.Named]) -> bool:
    """Print fingerprints; say whether somebody still reads."""
    return all(out(text_of(each)) for each in found)


def text_of(named: fingerprint.Named) -> str:
    """Return one fingerprint as the command prints it."""
    groups = named.groups
    lines = [f"{named.what}: {named.name}", f"{named.algorithm}, {len(groups)} groups of 4", ""]
    lines += ["    " + " ".join(groups[at : at + 4]) for at in range(0, len(groups), 4)]
    lines += [""]
    for number, (group, words) in enumerate(zip(groups, named.words, strict=True), start=1):
        lines.append(f"{number:>4}  {group}  {fingerprint.spoken(group):<32}  {words}")
    return "\n".join([*lines, ""])
