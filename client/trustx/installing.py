"""Taking a verified version into use: check, swap, check, reload, look; and back again when any of it fails.

A journal is written before the first file is touched and taken away after the last step. Whoever finds one begins by putting the
old files back, so a run that was killed leaves nothing half-done.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from trustx import placing, probing
from trustx.settings import Settings
from trustx.stops import Exit, Stop

LOADED, WRITTEN = "loaded", "written"
_LAST_WORDS = 500  # bytes
_BACK = "What was there before is in place."
_NOTHING = "Nothing was there before, and nothing is now."
_START = (
    " If the service cannot run without the file, pull once with --reload '' and start it, or let the hook start it."
)


class Installer:
    """Takes versions into use on this machine."""

    def __init__(self, settings: Settings, *, lists: bool = False) -> None:
        self._settings = settings
        self._journal = settings.state_dir / ("journal-lists.json" if lists else "journal.json")
        self._back = _BACK
        self._kept = settings.state_dir / ("kept-lists" if lists else "kept")
        self.place: placing.Place = (
            placing.Directory(settings.directory, settings.store, settings.wanted)
            if settings.directory and not lists
            else placing.Files(settings.lists if lists else settings.outputs)
        )

    def holds(self, files: Mapping[str, bytes]) -> bool:
        """Say whether exactly these bytes are in place, and no file of another format."""
        return all(placing.read(path) == files.get(extension) for extension, path in self.place.paths().items())

    def recover(self) -> bool:
        """Put the old files back if the last run was killed before it was done, and say whether that was so."""
        self.place.tidy()
        for path in (self._journal, *(self._settings.state_dir / name for name in ("state.json", "status.json"))):
            placing.tidy(path)
        content = placing.read(self._journal)
        if content is None:
            return False
        memory = self._written_down(content)
        self._place_of(memory).restore(memory)
        self._reload_quietly()
        self._journal.unlink()
        return True

    def _written_down(self, content: bytes) -> dict[str, Any]:
        try:
            memory = dict(json.loads(content))
            files = memory.get("files", {})
            texts = [*files, *files.values(), memory.get("target"), memory.get("link")]
            if ("files" in memory) != ("target" in memory) and all(isinstance(each, str | None) for each in texts):
                return memory
        except (ValueError, TypeError, AttributeError, RecursionError):
            pass
        raise Stop(
            Exit.NOT_WRITTEN,
            f"{self._journal} is damaged: a run was killed, and what it left cannot be put back.",
            "Look at the files of the store, remove it, and pull again.",
        )

    def _place_of(self, memory: Mapping[str, Any]) -> placing.Place:
        """Return where the run that was killed wrote, whatever the settings have become since."""
        if "files" in memory:
            return placing.Files({})
        link = memory.get("link") or self._settings.directory
        if link is None:
            raise Stop(
                Exit.NOT_WRITTEN,
                f"A run was killed that wrote to a directory, as {self._journal} says, and the settings name none.",
                "Look whether its link leads to a whole folder, remove that file, and pull again.",
            )
        return placing.Directory(Path(link), self._settings.store, ())

    def install(
        self,
        files: Mapping[str, bytes],
        expected: probing.Expected,
        tell: Callable[[str], None] = lambda _: None,
    ) -> tuple[str, str]:
        """Take a version into use, and return how far it got (written or loaded) and what proved it.

        Raises Stop with CHECK_FAILED, RELOAD_FAILED or NOT_WRITTEN; the old files are then in place again, and the service was
        told to load them.
        """
        tell("Checking the new files")
        self._back = _BACK if any(placing.read(path) is not None for path in self.place.paths().values()) else _NOTHING
        self._check_before(files)
        proof = ""
        with self._back_when_it_fails():
            self.place.put(files, expected.version)
            self._check_after()
            proof = self._reload(tell)
            if self._settings.probe:
                tell(f"Looking whether {self._settings.probe} shows the new store")
                proof = self._probe(expected)
        return (LOADED, proof) if proof else (WRITTEN, "file renamed into place")

    def replace(self, files: Mapping[str, bytes], tell: Callable[[str], None] = lambda _: None) -> None:
        """Put lists in place and have the service load them. Raises Stop like ``install``; the old ones are then back."""
        with self._back_when_it_fails():
            self.place.put(files, 0)
            self._check_after()
            self._reload(tell)

    @contextmanager
    def _back_when_it_fails(self) -> Iterator[None]:
        memory = self.place.remember(self._kept)
        placing.write(self._journal, json.dumps(memory).encode(), mode=0o600)
        try:
            yield
        except BaseException:
            self.place.restore(memory)
            self._reload_quietly()
            self._journal.unlink()
            raise
        self._journal.unlink()

    def remove(self) -> None:
        """Take the store away and tell the service: better none than an old one."""
        if any(placing.read(path) is not None for path in self.place.paths().values()):
            try:
                self.place.remove()
            finally:
                self._reload_quietly()

    def _check_before(self, files: Mapping[str, bytes]) -> None:
        """Run a check that names ``{file}`` on the new bytes, before anything is touched."""
        if "{file}" not in self._settings.check:
            return
        folder = Path(tempfile.mkdtemp(prefix="check-", dir=self._settings.state_dir))
        try:
            for extension, content in files.items():
                file = folder / f"{self._settings.store}.{extension}"
                file.write_bytes(content)
                self._run_check(self._settings.check.replace("{file}", shlex.quote(str(file))))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _check_after(self) -> None:
        if self._settings.check and "{file}" not in self._settings.check:
            self._run_check(self._settings.check)

    def _run_check(self, command: str) -> None:
        problem = run(command, self._settings.check_timeout)
        if problem:
            raise Stop(Exit.CHECK_FAILED, f"The check refused the new store: {problem}", self._back)

    def _reload(self, tell: Callable[[str], None]) -> str:
        if not self._settings.reload:
            return ""
        tell("Reloading the service")
        problem = run(self._settings.reload, self._settings.reload_timeout)
        if problem:
            advice = _START if self._back == _NOTHING else ""
            raise Stop(Exit.RELOAD_FAILED, f"The service did not load the new store: {problem}", self._back + advice)
        return "reload hook ended with 0"

    def _probe(self, expected: probing.Expected) -> str:
        seen = probing.probe(self._settings, expected)
        if seen.problem:
            raise Stop(Exit.RELOAD_FAILED, f"The service does not show the new store: {seen.problem}.", self._back)
        return seen.proof

    def _reload_quietly(self) -> None:
        if self._settings.reload:
            run(self._settings.reload, self._settings.reload_timeout)


def run(command: str, seconds: float) -> str:
    """Run a command without a shell, and return what was wrong with it; empty when it ended with 0 in time.

    One that takes too long is ended with all that it started, so that it does not touch the service after the old files are back.
    """
    try:
        # A file and no pipe: a service that the command leaves running holds its end of a pipe open, and would be waited for.
        with tempfile.TemporaryFile() as said:
            code = _wait(shlex.split(command), said, seconds)
            return "" if code == 0 else f"{command!r} ended with {code}{_last_words(said)}"
    except subprocess.TimeoutExpired:
        return f"{command!r} took more than {seconds:g} s"
    except (OSError, ValueError, IndexError) as error:
        return f"{command!r} cannot be run: {error}"


def _wait(words: list[str], said: IO[bytes], seconds: float) -> int:
    started = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
    try:
        return started.wait(seconds)
    finally:
        if started.returncode is None:
            _end(started)


def _end(started: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def _last_words(said: IO[bytes]) -> str:
    said.seek(max(0, said.seek(0, os.SEEK_END) - _LAST_WORDS))
    words = said.read().decode("utf-8", "replace").strip()
    return f": {words}" if words else " and said nothing."
