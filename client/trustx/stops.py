"""Why a run stops, each with its own exit code; documented in README.md, and never given another meaning."""

import os
import traceback
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """What ``trustx`` ends with. Whatever it is but OK, the files on disk are the last good ones."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    EXPIRED = 5
    NOT_COVERED = 6
    EMPTY_OR_UNREADABLE = 7
    CHECK_FAILED = 8
    RELOAD_FAILED = 9
    NOT_WRITTEN = 10
    NO_ACCESS = 11
    BUSY = 12
    DIFFERS = 13
    NOT_ACTED_ON = 14
    PROBLEMS = 15
    WARNINGS = 16
    UNDECIDED = 17


# As ``trustx --help`` and README.md say it.
MEANS: dict[Exit, str] = {
    Exit.OK: "up to date",
    Exit.UNEXPECTED: "something unexpected",
    Exit.USAGE: "wrong use or settings",
    Exit.UNREACHABLE: "the portal cannot be reached",
    Exit.REFUSED: "what was sent does not verify, or goes back",
    Exit.EXPIRED: "the signed metadata expired: somebody may be keeping news from you",
    Exit.NOT_COVERED: "a certificate is not covered by a pinned key of the partner",
    Exit.EMPTY_OR_UNREADABLE: "empty without having been withdrawn, not whole, or unreadable",
    Exit.CHECK_FAILED: "the check refused it",
    Exit.RELOAD_FAILED: "the service did not load it",
    Exit.NOT_WRITTEN: "a file cannot be written",
    Exit.NO_ACCESS: "the token is not taken, or the store is not open to it",
    Exit.BUSY: "another trustx is at work on this store",
    Exit.DIFFERS: "verify: the files are not what was signed",
    Exit.NOT_ACTED_ON: "notice: shown to the partner, and nothing happens yet",
    Exit.PROBLEMS: "check: there are problems",
    Exit.WARNINGS: "check --fail-on: there are such findings",
    Exit.UNDECIDED: "status --wait: nobody has decided yet",
}


class Stop(Exception):
    """The run ends here. ``sentence`` says why, ``fix`` what to do, ``problem`` is the portal's own document if it gave one."""

    def __init__(self, code: Exit, sentence: str, fix: str = "", *, problem: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.fix, self.problem = code, sentence, fix, problem or {}


def unexpected(error: Exception, kept: str = "") -> Stop:
    """Return the end of a run for which there is no other word; with TRUSTX_DEBUG set, standard error has where it happened."""
    if os.environ.get("TRUSTX_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, OSError):
        return Stop(Exit.UNEXPECTED, str(error), kept)
    more = "Tell whoever keeps trustx; with TRUSTX_DEBUG=1 it prints where it happened."
    return Stop(Exit.UNEXPECTED, f"{type(error).__name__}: {error}", f"{kept} {more}".strip())
