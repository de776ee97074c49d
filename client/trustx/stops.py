"""Why a run stops, each with its own exit code; documented in README.md, and never given another meaning."""

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


class Stop(Exception):
    """The run ends here. ``sentence`` says why, ``fix`` what to do, ``problem`` is the portal's own document if it gave one."""

    def __init__(self, code: Exit, sentence: str, fix: str = "", *, problem: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.fix, self.problem = code, sentence, fix, problem or {}
