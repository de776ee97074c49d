"""The process that forks one short-lived child for each job of reading. Started by `trust.pki.bounded` only."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import resource
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import certifi

from trust.pki import known_weak

CPU_SECONDS = 20
WALL_SECONDS = 25
# Beyond what the nursery itself has: archives unpack to at most 20 MB, and a few copies of that are alive at a time.
MEMORY_BYTES = 192 * 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _scan(content: bytes) -> Any:
    from trust.pki.secrets_scan import scan

    return scan(content)


def _examine(content: bytes, filename_hint: str, now: Any) -> Any:
    from trust.pki.examination import examine

    return examine(content, filename_hint=filename_hint, now=now)


def _lint(certificates: tuple[Any, ...]) -> Any:
    from trust.pki.lint import lint

    return {one.sha256: lint(one) for one in certificates}


def _load_with_ssl(anchors: tuple[bytes, ...]) -> Any:
    from trust.pki.python_ssl import load

    return load(anchors)


def _check_reader(certificates: tuple[Any, ...]) -> Any:
    from trust.pki.reader_checks import check_reader

    return tuple(check_reader(certificates))


def _misbehave(how: str, path: str = "") -> Any:
    """What hostile input might make a reader do; tests ask for it by name."""
    if how == "hang":
        while True:
            pass
    if how == "sleep":
        signal.pause()
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "memory":
        return len(bytearray(10 * 1024 * 1024 * 1024))
    if how == "file":
        with open(path, "wb") as file:
            file.write(b"x")
    return how


JOBS: dict[str, Callable[..., Any]] = {
    "scan": _scan,
    "examine": _examine,
    "lint": _lint,
    "ssl": _load_with_ssl,
    "reader": _check_reader,
    "misbehave": _misbehave,
}


def serve(descriptor: int) -> None:
    """Fork a child for each pair of descriptors that arrives, until the other side closes."""
    connection = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGCHLD, _reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _warm_up()
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, 16, 2)
        if not message:
            return
        if len(descriptors) == 2 and os.fork() == 0:
            connection.close()
            _child(*descriptors)
        for each in descriptors:
            os.close(each)


def _reap(*_: object) -> None:
    """Wait for the children that ended. Ignoring the signal would do that too, but their CPU time would count nowhere."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _warm_up() -> None:
    """Do each kind of job once, so that children find everything loaded, and keep the collector off shared pages."""
    known_weak.load()
    sample = "".join(certifi.contents().partition("-----END CERTIFICATE-----\n")[:2]).encode()
    _scan(sample)
    _load_with_ssl(())
    _lint(tuple(_examine(sample, "", datetime.now(UTC)).reading.certificates))
    gc.collect()
    gc.freeze()


def _child(job_descriptor: int, answer_descriptor: int) -> None:
    """Take one job, limit ourselves, do it, and leave without any clean-up of the nursery's."""
    status = 1
    try:
        with os.fdopen(job_descriptor, "rb") as file:
            (job, arguments, cpu_seconds, wall_seconds) = pickle.loads(file.read())  # noqa: S301 - from our own parent
        _limit(cpu_seconds, wall_seconds)
        answer = pickle.dumps(JOBS[job](*arguments), protocol=pickle.HIGHEST_PROTOCOL)
        with os.fdopen(answer_descriptor, "wb") as file:
            file.write(answer)
        status = 0
    finally:
        # Whatever happened, also an exception of hostile input: the missing answer says that it did.
        os._exit(status)


def _limit(cpu_seconds: int, wall_seconds: int) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.alarm(wall_seconds)
    pages = int(open("/proc/self/statm").read().split()[0]) if os.path.exists("/proc/self/statm") else 0  # noqa: SIM115
    memory = (pages * _PAGE or 512 * 1024 * 1024) + MEMORY_BYTES
    for limit, value in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(limit, (value, value))
