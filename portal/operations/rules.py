"""What makes the portal not ready. Plain Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# The worker shows itself every ten seconds; six missed in a row is no accident.
SILENT_AFTER = timedelta(seconds=60)
# The sweep comes round every two seconds. A fact that nobody has looked at for so long means that no worker works.
UNREAD_AFTER = timedelta(seconds=120)


@dataclass(frozen=True)
class Check:
    """What one check found: its name, whether it passed, and what an operator should read."""

    name: str
    passed: bool
    said: str


def worker(last: datetime | None, now: datetime) -> Check:
    """Judge the worker by when it last showed itself."""
    if last is None:
        return Check("worker", False, "No worker has ever reported. Start the worker and the scheduler.")
    age = now - last
    said = f"The worker reported {_seconds(age)} s ago."
    if age <= SILENT_AFTER:
        return Check("worker", True, said)
    return Check("worker", False, f"{said} Start the worker and the scheduler, or look at the broker.")


def events(oldest: datetime | None, now: datetime) -> Check:
    """Judge the fan-out by the oldest event that it has not read."""
    if oldest is None:
        return Check("events", True, "Every event was read.")
    age = now - oldest
    said = f"The oldest event that was not read is {_seconds(age)} s old."
    if age <= UNREAD_AFTER:
        return Check("events", True, said)
    return Check("events", False, f"{said} Nobody is told anything: look at the worker's log.")


def signed_stores(alarming: Mapping[str, datetime], unsigned: Sequence[str], now: datetime) -> Check:
    """Judge the signed metadata of trust stores by what has less than a third of its life left.

    A root that waits for its keys is said but stops nothing: people have weeks for it, and pulls without TUF go on.
    """
    said = [f"{role} metadata ends at {at:%Y-%m-%d %H:%M} UTC" for role, at in sorted(alarming.items())]
    if unsigned:
        said.append(f"roots wait for signatures: {', '.join(unsigned[:5])}; run manage.py tuf_root")
    fails = bool(set(alarming) - {"root"}) or any(at <= now for at in alarming.values())
    return Check(
        "signed stores", not fails, f"{'; '.join(said)}." if said else "Every store is signed for long enough."
    )


def _seconds(age: timedelta) -> int:
    return max(0, int(age.total_seconds()))
