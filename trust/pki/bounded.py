"""Reading hostile input in a process of its own, so that a hang or a crash is a finding and not an outage.

A small process, the nursery (`trust.pki.nursery`), has everything imported and forks one child for each job. The child
limits its own time, memory and files before it looks at a single byte, and ends with the job. Forking it costs a few
milliseconds. The work is the same as that of `trust.pki.secrets_scan`, `trust.pki.examination` and `trust.pki.lint`, and so
are the answers.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import logging
import os
import pickle
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from trust.pki.bundles import BundleReading
from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import CertificateFacts
from trust.pki.chains import build_chains
from trust.pki.codes import finding
from trust.pki.examination import Examination
from trust.pki.findings import Finding
from trust.pki.nursery import CPU_SECONDS, WALL_SECONDS
from trust.pki.secrets_scan import ScanReport

_GRACE_SECONDS = 3  # for starting: the child's own clock starts with its job
_LARGEST_ANSWER = 128 * 1024 * 1024
_ROOT = Path(__file__).resolve().parents[2]
logger = logging.getLogger(__name__)


class ReaderUnavailable(RuntimeError):
    """The process that reads for us cannot be started: nothing may be taken."""


class Stopped(Exception):
    """The child did not answer: it took too long, too much memory, or crashed."""


def scan(content: bytes) -> ScanReport:
    """As `trust.pki.secrets_scan.scan`; a search that did not end makes a report that is not complete."""
    try:
        report: ScanReport = _nursery.run("scan", content)
    except Stopped:
        return ScanReport((), ("the search was stopped, because it took too long or too much memory",))
    return report


def examine(content: bytes, *, filename_hint: str = "", now: datetime) -> Examination:
    """As `trust.pki.examination.examine`; a reading that did not end is a finding that refuses."""
    try:
        examination: Examination = _nursery.run("examine", content, filename_hint, now)
    except Stopped:
        stopped = finding("examination_stopped")
        reading = BundleReading("unknown", CertificateSet(), (), (), (stopped,))
        return Examination(reading, build_chains(CertificateSet()), (stopped,))
    return examination


def lint(certificates: Iterable[CertificateFacts]) -> dict[str, tuple[Finding, ...]]:
    """Return the linter's remarks about each certificate by fingerprint; a linter that did not end leaves a note."""
    listed = tuple(certificates)
    if not listed:
        return {}
    try:
        remarks: dict[str, tuple[Finding, ...]] = _nursery.run("lint", listed)
    except Stopped:
        return {
            one.sha256: (finding("pkilint_unavailable", certificate_sha256=one.sha256, subject=one.subject),)
            for one in listed
        }
    return remarks


def load_with_ssl(anchors: Iterable[CertificateFacts]) -> tuple[int, str] | None:
    """As `trust.pki.python_ssl.load`; None when it did not end."""
    try:
        answer: tuple[int, str] = _nursery.run("ssl", tuple(one.der for one in anchors))
    except Stopped:
        return None
    return answer


def check_reader(certificates: Iterable[CertificateFacts]) -> tuple[Finding, ...]:
    """As `trust.pki.reader_checks.check_reader`; nothing when it did not end."""
    try:
        refused: tuple[Finding, ...] = _nursery.run("reader", tuple(certificates))
    except Stopped:
        return ()
    return refused


class Nursery:
    """The connection to the process that forks children. Safe to use from several threads, and after a fork."""

    def __init__(self, *, cpu_seconds: int = CPU_SECONDS, wall_seconds: int = WALL_SECONDS) -> None:
        self._limits = (cpu_seconds, wall_seconds)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._owner = 0

    def run(self, job: str, *arguments: object) -> Any:
        """Run one job in a child and return its answer. Raises Stopped, and ReaderUnavailable."""
        asked = pickle.dumps((job, arguments, *self._limits), protocol=pickle.HIGHEST_PROTOCOL)
        job_read, job_write = os.pipe()
        answer_read, answer_write = os.pipe()
        try:
            try:
                self._hand_over([job_read, answer_write])
            finally:
                os.close(job_read)
                os.close(answer_write)
            deadline = time.monotonic() + self._limits[1] + _GRACE_SECONDS
            _send(job_write, asked, deadline)
            os.close(job_write)
            job_write = -1
            return _load(_receive(answer_read, deadline))
        finally:
            os.close(answer_read)
            if job_write >= 0:
                os.close(job_write)

    def stop(self) -> None:
        """End the nursery; its children end by themselves."""
        with self._lock:
            self._forget()

    def _hand_over(self, descriptors: list[int]) -> None:
        with self._lock:
            for attempt in range(2):
                connection = self._connected()
                try:
                    socket.send_fds(connection, [b"j"], descriptors)
                except OSError:
                    self._forget()
                    if attempt:
                        raise ReaderUnavailable("the nursery does not take jobs") from None
                else:
                    return

    def _connected(self) -> socket.socket:
        alive = self._process is not None and self._process.poll() is None
        # After a fork of this process the connection belongs to the parent.
        if self._socket is None or not alive or self._owner != os.getpid():
            if self._owner == os.getpid():
                self._forget()
            self._start()
        assert self._socket is not None
        return self._socket

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-I", "-c", _START, str(_ROOT), str(theirs.fileno())]
        try:
            # No environment: settings and secrets of the portal are nothing for a process that reads hostile bytes.
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env={"LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL, cwd="/"
            )
        except OSError as error:
            ours.close()
            raise ReaderUnavailable(str(error)) from None
        finally:
            theirs.close()
        self._socket, self._owner = ours, os.getpid()

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None and self._owner == os.getpid():
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=2)
        self._socket = self._process = None


_START = (
    f"import sys; sys.path[:0] = [sys.argv[1], *{[path for path in sys.path if path.endswith('site-packages')]!r}]; "
    "from trust.pki.nursery import serve; serve(int(sys.argv[2]))"
)


def _send(descriptor: int, data: bytes, deadline: float) -> None:
    os.set_blocking(descriptor, False)
    view = memoryview(data)
    while view:
        _, ready, _ = select.select([], [descriptor], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise Stopped
        try:
            view = view[os.write(descriptor, view[:65536]) :]
        except BrokenPipeError:
            raise Stopped from None


def _receive(descriptor: int, deadline: float) -> bytes:
    received = bytearray()
    while True:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready or len(received) > _LARGEST_ANSWER:
            raise Stopped
        chunk = os.read(descriptor, 1024 * 1024)
        if not chunk:
            return bytes(received)
        received += chunk


class _Unpickler(pickle.Unpickler):
    """Takes only the values that our own reading is made of, in case a child was turned against us."""

    _PLAIN = frozenset(
        {("datetime", "datetime"), ("datetime", "timezone"), ("datetime", "timedelta"), ("builtins", "frozenset")}
    )

    def find_class(self, module: str, name: str) -> Any:
        found = (
            super().find_class(module, name)
            if module.startswith("trust.pki.") or (module, name) in self._PLAIN
            else None
        )
        if not isinstance(found, type) or found.__module__ != module:
            raise pickle.UnpicklingError(f"{module}.{name} is not a value of ours")
        return found


def _load(answer: bytes) -> Any:
    if not answer:
        raise Stopped
    try:
        return _Unpickler(io.BytesIO(answer)).load()
    except Exception:
        logger.warning("The answer of a reading child was cut off or not ours")
        raise Stopped from None


_nursery = Nursery()
atexit.register(_nursery.stop)
