"""Runs the processes of the embedded portal as one: their output in one stream, and all end when one does."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

# How long a process may take to end after SIGTERM. What a worker holds then is safe: its claim runs out.
PATIENCE = 10.0  # seconds
_BOUND = Path(__file__).with_name("bound.py")
_COLORS = ("36", "35", "34", "33")


@dataclass(frozen=True)
class Part:
    """One process to run. ``once`` is one that may end by itself, if it ends well; its output is shown as it is."""

    name: str
    command: tuple[str, ...]
    once: bool = False


class Supervisor:
    """Starts parts, shows their output, and stops all of them when one ends or a signal asks for it.

    The parts stay in the caller's process group, so that killing the group kills all, and are bound to the caller, so that
    killing the caller alone ends them too.
    """

    def __init__(self, environment: Mapping[str, str], *, out: TextIO = sys.stdout, width: int = 6) -> None:
        self._environment = dict(environment)
        self._out = out
        self._width = width
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._parts: dict[str, Part] = {}
        self._ended: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self._printing = threading.Lock()
        self._asked_to_stop = threading.Event()

    def start(self, part: Part) -> None:
        """Start ``part``; call it from the main thread, since the kernel binds a process to the thread that made it."""
        process = subprocess.Popen(
            [sys.executable, str(_BOUND), str(os.getpid()), *part.command],
            stdin=subprocess.DEVNULL,
            stdout=None if part.once else subprocess.PIPE,
            stderr=None if part.once else subprocess.STDOUT,
            env=self._environment,
            text=True,
            errors="replace",
        )
        self._parts[part.name], self._running[part.name] = part, process
        threading.Thread(target=self._wait, args=(part.name, process), daemon=True).start()
        if process.stdout is not None:
            threading.Thread(target=self._relay, args=(part.name, process.stdout), daemon=True).start()

    def say(self, text: str) -> None:
        """Print a line of our own."""
        self._line("serve", text)

    def listen(self) -> None:
        """Let SIGINT and SIGTERM stop everything. Call it before starting parts."""
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: self._asked_to_stop.set())

    def wait(self, *, until: Callable[[], bool], then: Callable[[], Part | None]) -> int:
        """Run until a part ends or a signal comes, stop the rest, and return an exit status: 0 if we were asked to stop.

        ``until`` is asked a few times a second; once it holds, ``then`` is called and what it returns is started.
        """
        waiting = True
        while not self._asked_to_stop.is_set():
            with contextlib.suppress(queue.Empty):
                name, status = self._ended.get(timeout=0.1)
                self._running.pop(name, None)
                if not (self._parts[name].once and status == 0):
                    self.say(f"{name} ended with status {status}; stopping the rest.")
                    self._stop()
                    return status if status > 0 else 1
            if waiting and until():
                waiting = False
                if (part := then()) is not None:
                    self.start(part)
        self.say("Stopping.")
        self._stop()
        return 0

    def _stop(self) -> None:
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + PATIENCE
        for name, process in self._running.items():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{name} did not end in {PATIENCE:.0f} s; killing it.")
                process.kill()

    def _wait(self, name: str, process: "subprocess.Popen[str]") -> None:
        self._ended.put((name, process.wait()))

    def _relay(self, name: str, lines: Iterable[str]) -> None:
        for line in lines:
            self._line(name, line.rstrip("\n"))

    def _line(self, name: str, text: str) -> None:
        label = f"{name:<{self._width}} |"
        if self._out.isatty() and "NO_COLOR" not in os.environ:
            names = list(self._parts)
            color = _COLORS[names.index(name) % len(_COLORS)] if name in names else "2"
            label = f"\x1b[{color}m{label}\x1b[0m"
        with self._printing, contextlib.suppress(BrokenPipeError):
            self._out.write(f"{label} {text}\n")
            self._out.flush()
