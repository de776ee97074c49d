"""Runs a command so that it ends when its parent does: ``python bound.py PARENT COMMAND…``. Knows nothing of the portal.

A supervisor that is killed outright can stop nobody. On Linux the kernel does it then: it sends SIGTERM to a process when its
parent dies (prctl(2), PR_SET_PDEATHSIG), also after the exec below. Elsewhere the command runs unbound.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def bind(parent: int) -> None:
    """Ask the kernel to end this process when ``parent`` dies; ends it now if that happened already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(0)


def main(parent: int, command: list[str]) -> None:
    """Bind this process to ``parent`` and become ``command``."""
    bind(parent)
    os.execvp(command[0], command)  # noqa: S606 - there is no shell


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
