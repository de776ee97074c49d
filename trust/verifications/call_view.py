"""What each side sees of a running call, as plain values for the page and for the script that keeps it in step.

The expected fingerprint is not among them: what the verifier sees is built from what was typed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trust.pki import fingerprints
from trust.verifications import groups, rules, script
from trust.verifications.models import Verification

_STEPS = [
    (rules.Step.CODE, "Match the call code"),
    (rules.Step.SOURCE, "Name the record"),
    (rules.Step.TYPE, ""),
    (rules.Step.READ_BACK, "Read back"),
    (rules.Step.DONE, "Record"),
]


@dataclass(frozen=True)
class Box:
    """One group as the verifier's page draws it. ``kind`` is m (matches), x (differs) or e (still empty)."""

    index: int
    kind: str
    value: str
    spoken: str
    enabled: bool
    tries_left: int


def step(call: Verification) -> rules.Step:
    """Return what the call waits for."""
    return rules.step(call.progress())


def steps(call: Verification) -> list[dict[str, Any]]:
    """Return the list of steps with which of them are done and which is current."""
    current = step(call)
    order = [each for each, _ in _STEPS]
    at = order.index(current)
    shown: list[dict[str, Any]] = [{"label": "Call the directory number", "done": True, "current": False}]
    for position, (_, label) in enumerate(_STEPS):
        shown.append(
            {"label": label or call.request.label, "done": position < at, "current": position == at, "n": position + 2}
        )
    return shown


def boxes(call: Verification) -> list[Box]:
    """Return the groups as typed so far. Those that match show what was typed; a group that differs shows its last try."""
    typed = {row.index: row for row in call.groups.all()}
    story = call.story()
    open_groups = [group.index for group in story if not group.matched]
    row_of_first = (open_groups[0] - 1) // groups.ROW_LENGTH if open_groups else -1
    shown = []
    for group in story:
        last = typed[group.index].typed[-1] if group.index in typed else ""
        kind = "m" if group.matched else "x" if group.misses else "e"
        shown.append(
            Box(
                index=group.index,
                kind=kind,
                value=last.upper(),
                spoken=fingerprints.spoken(last) if last else "",
                enabled=not group.matched and (group.index - 1) // groups.ROW_LENGTH == row_of_first,
                tries_left=groups.TRIES_PER_GROUP - group.misses,
            )
        )
    return shown


def say(call: Verification) -> str:
    """Return what the verifier says now."""
    waiting = next((group for group in call.story() if not group.matched), None)
    return script.line(
        step(call),
        organization=call.request.relying.name,
        source=call.request.source_label,
        group=waiting.index if waiting else 0,
        again=bool(waiting and waiting.misses),
    )


def typed_value(call: Verification) -> list[dict[str, str]]:
    """Return the whole value as typed, row by row, with its phonetic text, for the read-back."""
    shown = [box for box in boxes(call) if box.kind == "m"]
    rows = [shown[start : start + groups.ROW_LENGTH] for start in range(0, len(shown), groups.ROW_LENGTH)]
    return [
        {"value": " ".join(box.value for box in row), "spoken": ", ".join(box.spoken for box in row)} for row in rows
    ]


def moment_state(call: Verification, now: datetime) -> str:
    """Return the state that people see: a call that was left for too long has ended, even before the portal says so."""
    if call.state != Verification.State.IN_PROGRESS:
        return call.state
    if call.paused_at is not None:
        return "paused" if rules.may_resume(call.paused_at, now) else "timed_out"
    return "timed_out" if rules.is_idle(call.last_act_at or now, now) else "in_progress"


def in_step(call: Verification, now: datetime, *, reader: bool) -> dict[str, Any]:
    """Return what each page polls, so that both stay in step: where the call stands, and nothing that was typed.

    ``marker`` changes when the page must be drawn anew.
    """
    progress = call.progress()
    waiting = next((group.index for group in call.story() if not group.matched), None)
    state, at = moment_state(call, now), step(call)
    joined = bool(call.call_code)
    read_back = (progress.read_back_by_verifier, progress.read_back_by_reader)
    return {
        "state": state,
        "step": at.value,
        "matched": progress.matched,
        "total": progress.total,
        "group": waiting,
        "joined": joined,
        "marker": f"{state}/{at.value}/{joined}/{read_back[0]:d}{read_back[1]:d}",
        "status": _status(call, state, at, progress, waiting, reader=reader),
    }


_ENDED = {
    "paused": "The call is paused.",
    "timed_out": "Nobody went on within 15 minutes.",
    "recorded": "Recorded.",
    "stopped": "Call stopped. Nothing was verified.",
    "mismatch": "These fingerprints are different.",
    "booked": "The call is booked.",
}


def _status(
    call: Verification, state: str, at: rules.Step, progress: rules.Progress, waiting: int | None, *, reader: bool
) -> str:
    if state != "in_progress":
        return _ENDED[state]
    match at:
        case rules.Step.CODE if reader:
            return f"Read the 4 digits to {call.verifier}." if call.call_code else f"{call.verifier} calls you."
        case rules.Step.CODE:
            if call.call_code:
                return f"{call.contact.name} is signed in and on the call."
            return f"Waiting for {call.contact.name} to press “I am on the call”."
        case rules.Step.SOURCE:
            return f"{call.verifier} asks which record you read from." if reader else ""
        case rules.Step.TYPE:
            return f"Group {waiting} of {progress.total}. {progress.matched} match so far."
        case rules.Step.READ_BACK if reader:
            return f"All groups match. {call.verifier} reads everything back to you."
        case _:
            return "All groups match."
