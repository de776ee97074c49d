"""``trustx``: the command. Sentences on terminals, JSON lines otherwise; exit codes are in README.md."""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from trustx import __version__, reading_aloud
from trustx.commands import bundles, notices, stores
from trustx.options import Parser, command
from trustx.saying import say
from trustx.stops import MEANS, Stop, unexpected


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no "…" must not keep anybody from reading the rest.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        asked = parser().parse_args(arguments)
        return int(asked.act(asked))
    except Stop as stop:
        shown = {"exit": int(stop.code), "outcome": stop.code.name.lower(), "said": stop.sentence, "fix": stop.fix}
        say(shown | ({"problem": stop.problem} if stop.problem else {}))
        return int(stop.code)
    except KeyboardInterrupt:
        return 128 + 2  # as a shell says of a program that SIGINT ended
    except Exception as error:
        end = unexpected(error)
        say({"exit": int(end.code), "outcome": "unexpected", "said": end.sentence, "fix": end.fix})
        return int(end.code)


def parser() -> argparse.ArgumentParser:
    """Return the parser of everything that can be typed."""
    made = Parser(
        prog="trustx",
        description="Pull trust stores and check where they come from; hand in what you sign.\n"
        "'trustx COMMAND --help' has examples.",
        epilog="Exit codes:\n" + "\n".join(f"  {code:>2}  {says}" for code, says in MEANS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"trustx {__version__}")
    acts = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    stores.add(acts)
    digest = command(
        acts,
        "fingerprint",
        lambda asked: reading_aloud.print_all(asked.files),
        "Print fingerprints to read aloud, from files, without network.",
        "trustx fingerprint root.pem signing-key.asc",
    )
    digest.add_argument("files", type=Path, nargs="+", help="Certificates, bundles or OpenPGP public keys.")
    bundles.add(acts)
    notices.add(acts)
    return made
