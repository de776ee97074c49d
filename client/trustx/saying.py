"""How commands speak: sentences on terminals, one JSON line otherwise. Progress on standard error, on terminals."""

import json
import os
import sys
from typing import Any

from trustx.stops import Exit


def say(shown: dict[str, Any]) -> None:
    """Print what a command came to. ``shown`` has at least ``exit`` and ``outcome``; ``said`` and ``fix`` are sentences."""
    _clear()
    if not sys.stdout.isatty():
        out(json.dumps(shown))
        return
    version = f" v{shown['version']}" if "version" in shown else ""
    out(f"{shown.get('store', 'trustx')}{version}: {str(shown['outcome']).replace('_', ' ')}")
    for each in ("said", "fix"):
        if shown.get(each):
            out(f"  {plain(str(shown[each]))}")


def out(text: str, *, end: str = "\n") -> bool:
    """Print to standard output; say whether somebody still reads, as nobody does after ``| head``. What is being done goes on."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        # What comes after, and what Python still has to write when it ends, must not fail anew.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def told(code: Exit, outcome: str, said: str = "", **more: Any) -> Exit:
    """Print what a command came to and return its exit code."""
    say({"exit": int(code), "outcome": outcome, "said": said, **more})
    return code


def step(text: str) -> None:
    """Say what is being done now, in one line that the next one replaces; nothing where nobody looks."""
    if sys.stderr.isatty():
        print(f"\r\033[K{plain(text)}…", end="", file=sys.stderr, flush=True)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def plain(text: str) -> str:
    """Return ``text`` with everything that a terminal could act on made visible, whoever wrote it; lines stay lines."""
    return "".join(char if char.isprintable() or char == "\n" else f"<U+{ord(char):04X}>" for char in text)
