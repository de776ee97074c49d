"""All checks in order. One that fails to check is a finding itself, and stops no other."""

import ctypes
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from portal.operations.doctor import database, files, keys, log, outside, processes, tools
from portal.operations.doctor.rules import Finding, State, warning, well, wrong
from portal.organizations.models import User

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized


def examine(now: datetime, checkpoint: Path | None = None) -> Iterator[Finding]:
    """Yield every finding at ``now``. Checks of what is in the database are left out when it or its tables are not there."""
    yield from _safely("tools", tools.check)
    found = list(_safely("database", database.check))
    yield from found
    yield from _safely("encryption keys", lambda: [keys.usable()])
    if not any(each.state is State.WRONG and each.name in ("database", "migrations") for each in found):
        yield from _safely("background work", lambda: processes.check(now))
        yield from _safely("keys", lambda: keys.check(now))
        yield from _safely("mail key", lambda: [keys.mail_key(now)])
        yield from _safely("audit log", lambda: log.check(checkpoint))
        yield from _safely("operators", _operators)
    yield from _safely("client certificate", lambda: filter(None, [keys.client_certificate(now)]))
    yield from _safely("files", files.check)
    yield from _safely("time", _synchronized)
    yield from _safely("outside", lambda: outside.check(now))


def _safely(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # a broken deployment breaks checks in ways nobody foresaw; the others must still speak
        yield wrong(
            name, f"It could not be checked: {type(error).__name__}.", "Mend what is said above, then ask again."
        )


def _operators() -> Iterator[Finding]:
    if User.objects.filter(is_operator=True, is_active=True).exists():
        yield well("operators", "Somebody can operate the portal in the browser.")
    else:
        fix = "Run: manage.py create_operator --email … --name …"
        yield warning("operators", "Nobody can operate the portal in the browser.", fix)


def _synchronized() -> Iterator[Finding]:
    if sys.platform != "linux":
        return
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    if state == _TIME_ERROR:
        said = "The kernel does not know that this machine's clock follows a time server."
        yield warning("time", said, "Run chrony or systemd-timesyncd here, or on the host of this container.")
    elif state >= 0:
        yield well("time", "The machine's clock follows a time server.")
