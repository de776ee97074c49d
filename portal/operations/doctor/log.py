"""The audit log: whether its end holds, and whether it still has what was seen of it before."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from portal.audit import queries, rules
from portal.audit.models import ChainHead, Event
from portal.operations.doctor.rules import Finding, warning, well, wrong

# So many of the last lines are checked here; manage.py verify_log checks all.
LAST = 2000
_SAVE = (
    "Keep the database as it is, run manage.py verify_log, and read SECURITY.md: somebody may have removed evidence."
)


def check(checkpoint: Path | None = None) -> Iterator[Finding]:
    """Yield what is found about the end of the log, and about the head that ``checkpoint`` keeps from last time."""
    head = ChainHead.objects.filter(id=1).first() or ChainHead()
    yield (end := _end(head))
    if checkpoint is not None:
        yield _against(checkpoint, head, sound=not end.fix)


def _end(head: ChainHead) -> Finding:
    name = "audit log"
    start = max(0, head.sequence - LAST)
    before = Event.objects.filter(sequence=start).values_list("hash", flat=True).first() or rules.GENESIS
    broken = rules.first_break(queries.lines(start, head.sequence), after_sequence=start, after_hash=before)
    last = Event.objects.order_by("-sequence").values_list("sequence", "hash").first() or (0, rules.GENESIS)
    if broken:
        return wrong(name, f"The chain is broken: {broken.sentence}", _SAVE)
    if last[0] < head.sequence or (last[0] == head.sequence and last[1] != head.hash):
        return wrong(name, f"The log ends at event {last[0]}, and its head says {head.sequence}.", _SAVE)
    return well(name, f"The last {head.sequence - start} of {head.sequence} events hold.")


def _against(checkpoint: Path, head: ChainHead, *, sound: bool) -> Finding:
    """Compare with the head that was kept, and keep the new one in its place when all is well."""
    name = "checkpoint"
    try:
        kept = json.loads(checkpoint.read_text(encoding="utf-8"))
        sequence, digest = int(kept["sequence"]), str(kept["hash"])
    except FileNotFoundError:
        sequence, digest = 0, ""
    except (OSError, ValueError, KeyError, TypeError):
        return wrong(name, f"{checkpoint} cannot be read.", "Give the file that an earlier run wrote, or a new name.")
    if sequence:
        found = Event.objects.filter(sequence=sequence).values_list("hash", flat=True).first()
        if found != digest:
            said = f"Event {sequence} is not what it was when {checkpoint} was written."
            return wrong(name, said, _SAVE)
    if not sound:
        return warning(name, f"{checkpoint} was left as it is, since the log does not hold.", "See audit log.")
    aside = checkpoint.with_name(f"{checkpoint.name}.part")
    try:
        aside.write_text(json.dumps({"sequence": head.sequence, "hash": head.hash}) + "\n", encoding="utf-8")
        os.replace(aside, checkpoint)
    except OSError as error:
        return wrong(name, f"{checkpoint} cannot be written: {error.strerror}.", "Choose a folder that can be written.")
    since = f"holds what it held at event {sequence}" if sequence else "was seen for the first time"
    return well(name, f"The log {since}; its head is kept in {checkpoint}.")
