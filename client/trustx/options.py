"""What the commands' options have in common."""

import argparse
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from trustx import reading
from trustx.api import Api
from trustx.stops import Exit, Stop

Act = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """A parser whose errors speak like everything else: the usage on a terminal, one JSON line for programs."""

    def error(self, message: str) -> NoReturn:
        """Say what was typed wrong. Raises Stop."""
        if sys.stdout.isatty():
            self.print_usage(sys.stderr)
        raise Stop(Exit.USAGE, f"{message[:1].upper()}{message[1:]}.", f"'{self.prog} --help' says what there is.")


def command(acts: Any, name: str, act: Act | None, says: str, examples: str) -> argparse.ArgumentParser:
    """Return the parser of a new command. ``examples`` are lines of a shell, shown below the options."""
    parser: argparse.ArgumentParser = acts.add_parser(
        name,
        help=says,
        description=says,
        epilog="Examples:\n" + "\n".join(f"  {line}" for line in examples.strip().splitlines()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if act is not None:
        parser.set_defaults(act=act)
    return parser


def reaches_portal(parser: argparse.ArgumentParser, *, token: bool = True) -> None:
    """Add the options that say where the portal is and who asks."""
    parser.add_argument("--portal", help="Its address, https://…; or set TRUSTX_PORTAL.")
    parser.add_argument("--ca-file", type=Path, help="CAs that the portal's own certificate is checked with.")
    if token:
        parser.add_argument("--token-file", type=Path, help="A file with the API token; or set TRUSTX_TOKEN.")


def api_of(asked: argparse.Namespace, *, token: bool = True) -> Api:
    """Return the portal as the options and the environment describe it. Raises Stop when something is missing."""
    portal = asked.portal or os.environ.get("TRUSTX_PORTAL", "")
    if not portal:
        raise Stop(Exit.USAGE, "The portal's address is missing.", "Give --portal, or set TRUSTX_PORTAL.")
    return Api(portal, _token(asked) if token else "", asked.ca_file)


def _token(asked: argparse.Namespace) -> str:
    if asked.token_file is None:
        found = os.environ.get("TRUSTX_TOKEN", "").strip()
    else:
        try:
            found = reading.words(asked.token_file).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Stop(Exit.USAGE, f"The token file cannot be read: {error}") from error
    if not found or not found.isascii() or any(character.isspace() for character in found):
        raise Stop(Exit.USAGE, "There is no API token.", "Give --token-file, or set TRUSTX_TOKEN.")
    return str(found)


def seconds(text: str) -> float:
    """Return what was typed for a time. Raises ArgumentTypeError for what is none: a wait that is no number never ends."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return found


def content_of(file: Path) -> bytes:
    """Return a file's bytes. Raises Stop when it cannot be read."""
    try:
        return reading.whole(file)
    except OSError as error:
        raise Stop(Exit.USAGE, f"{file} cannot be read: {error.strerror or error}") from error
