"""Running gpgv, the judge of signatures, so that it can neither be misled nor hurt us.

gpgv checks signatures against one ring file: no trust database, no agent, no network, no configuration.
Its exit status says nothing about expired or revoked keys, so that only its status lines are judged, and
they go to a file of their own: mixed with messages they could be forged (CVE-2018-12020).
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from trust.pki import limits
from trust.pki.openpgp.errors import ToolMissing
from trust.pki.text import escaped

_PREFIX = b"[GNUPG:] "

# Sets the limits in the process that becomes gpgv. `preexec_fn` would run Python between fork and exec, which
# can deadlock in a process with threads.
_LIMITED = 'ulimit -c 0; ulimit -t "$1" && ulimit -f "$2" && ulimit -v "$3" && shift 3 && exec "$@"'


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One status line: its keyword and its fields (GnuPG's doc/DETAILS)."""

    keyword: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GpgvRun:
    """What gpgv did. `ended` is False when it hit a limit, `clean` when every status line had the prefix."""

    ended: bool
    returncode: int
    clean: bool
    status: tuple[StatusLine, ...]
    status_lines: tuple[str, ...]
    complained: bool
    output: bytes | None

    def keywords(self) -> frozenset[str]:
        """The keywords that occur."""
        return frozenset(line.keyword for line in self.status)

    def lines(self, keyword: str) -> tuple[StatusLine, ...]:
        """The status lines with this keyword."""
        return tuple(line for line in self.status if line.keyword == keyword)


def run(*, ring: bytes, signed: bytes, content: bytes | None) -> GpgvRun:
    """Checks `signed` against the keys in `ring` (binary packets).

    With `content` the check is of a detached signature over it; without, `signed` is a message and its text
    is in the run's `output`. Every file lives in a fresh folder under names of our own.

    Raises:
        ToolMissing: if gpgv cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="gv-") as name:
        folder = Path(name)
        (folder / "home").mkdir(mode=0o700)
        (folder / "ring.gpg").write_bytes(ring)
        (folder / "signed").write_bytes(signed)
        arguments = [str(folder / "signed")]
        if content is None:
            arguments = ["--output", str(folder / "output"), *arguments]
        else:
            (folder / "content").write_bytes(content)
            arguments.append(str(folder / "content"))
        return _start(folder, arguments)


@lru_cache(maxsize=4)
def version_of(program: str) -> str:
    """The version that `program` reports, for example ``2.2.40``.

    Raises:
        ToolMissing: if it cannot be started.
    """
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=limits.TOOL_WALL_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as problem:
        raise ToolMissing(f"{Path(program).name} cannot be started.") from problem
    words = done.stdout.decode("ascii", "replace").splitlines()[:1]
    return escaped(words[0].rpartition(" ")[2]) if words else "unknown"


def find(name: str) -> str:
    """The full path of a GnuPG program.

    Raises:
        ToolMissing: if it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(f"{name} is not installed on this server, so nothing can be checked.")
    return found


def _start(folder: Path, arguments: Sequence[str]) -> GpgvRun:
    status_path, error_path = folder / "status", folder / "errors"
    with status_path.open("wb") as status, error_path.open("wb") as errors:
        command = [
            *_limits(),
            find("gpgv"),
            "--homedir",
            str(folder / "home"),
            "--keyring",
            str(folder / "ring.gpg"),
            "--weak-digest",
            "SHA1",
            "--weak-digest",
            "RIPEMD160",
            "--status-fd",
            str(status.fileno()),
            *arguments,
        ]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(status.fileno(),),
                env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": str(folder / "home")},
                cwd=folder,
                timeout=limits.TOOL_WALL_SECONDS,
                check=False,
            )
            returncode: int | None = done.returncode
        except subprocess.TimeoutExpired:
            returncode = None
        except OSError as problem:
            raise ToolMissing("gpgv cannot be started, so nothing can be checked.") from problem
    output = folder / "output"
    return _read(
        returncode,
        status_path.read_bytes(),
        error_path.read_bytes(),
        output.read_bytes() if output.is_file() else None,
    )


def _limits() -> list[str]:
    blocks = (limits.SIGNED_BYTES + limits.MIB) // 512
    kibibytes = limits.TOOL_MEMORY_BYTES // limits.KIB
    return ["/bin/sh", "-c", _LIMITED, "sh", str(limits.TOOL_CPU_SECONDS), str(blocks), str(kibibytes)]


def _read(returncode: int | None, status: bytes, errors: bytes, output: bytes | None) -> GpgvRun:
    raw = status.split(b"\n")
    lines = [line for line in raw if line]
    parsed = []
    for line in lines:
        keyword, *fields = line.removeprefix(_PREFIX).decode("utf-8", "backslashreplace").split(" ")
        parsed.append(StatusLine(keyword, tuple(fields)))
    return GpgvRun(
        # A negative return code is a signal: a limit was hit, or gpgv crashed.
        ended=returncode is not None and returncode >= 0,
        returncode=-1 if returncode is None else returncode,
        clean=all(line.startswith(_PREFIX) for line in lines) and raw[-1] == b"",
        status=tuple(parsed),
        status_lines=tuple(escaped(line.decode("utf-8", "backslashreplace")) for line in lines),
        # "invalid dash escaped line" and its like come without a status line. User IDs cannot get here:
        # they are never at the beginning of a message.
        complained=re.search(rb"^gpgv: (invalid|malformed) ", errors, re.MULTILINE) is not None,
        output=output,
    )
