"""Runs a command so that it ends when its parent does: ``python bound.py PARENT COMMAND…``. Knows nothing of the portal.

A supervisor that is killed outright can stop nobody. On Linux the kernel does it then: it sends SIGTERM to a process when its
parent dies (prctl(2), PR_SET_PDEATHSIG), also after the exec below. Elsewhere the command runs unbound.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Bind this process to ``parent`` and become ``command``."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked to be told
            sys.exit(0)
    os.execvp(command[0], command)  # noqa: S606 - there is no shell


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
