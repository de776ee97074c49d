"""The command ``trustx``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from trustx import __version__, fingerprint


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 2 when a file cannot be read."""
    parser = argparse.ArgumentParser(prog="trustx", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    printing = commands.add_parser("fingerprint", help="print fingerprints to read aloud, from a file, without network")
    printing.add_argument(
        "file", type=Path, nargs="+", help="certificates (PEM, DER, PKCS #7) or an OpenPGP public key"
    )
    printing.set_defaults(run=print_fingerprints)
    chosen = parser.parse_args(arguments)
    return chosen.run(chosen)


def print_fingerprints(chosen: argparse.Namespace) -> int:
    """Print every fingerprint of the files: in groups, as it is said, and as PGP words."""
    failed = 0
    for path in chosen.file:
        try:
            found = fingerprint.read(path.read_bytes())
        except (fingerprint.CannotRead, OSError) as problem:
            print(f"{path}: {problem}", file=sys.stderr)
            failed = 2
            continue
        for each in found:
            print(text_of(each))
    return failed


def text_of(named: fingerprint.Named) -> str:
    """Return one fingerprint as the command prints it."""
    groups = named.groups
    lines = [f"{named.what}: {named.name}", f"{named.algorithm}, {len(groups)} groups of 4", ""]
    lines += ["    " + " ".join(groups[at : at + 4]) for at in range(0, len(groups), 4)]
    lines += [""]
    for number, (group, words) in enumerate(zip(groups, named.words, strict=True), start=1):
        lines.append(f"{number:>4}  {group}  {fingerprint.spoken(group):<32}  {words}")
    return "\n".join([*lines, ""])
