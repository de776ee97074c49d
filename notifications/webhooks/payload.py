"""The body of a webhook: ``type``, ``timestamp``, ``data`` (Standard Webhooks, "Payload structure"). Plain Python.

A body is made once, stored, and sent as it is on every attempt, so that its signature and its id mean one thing.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from notifications.webhooks.rules import EVENT_TYPE, MAX_BODY_BYTES

# What a body leaves out, in this order, when it would be over the limit; ``url`` says where to fetch it.
HEAVY = ("signed_notice", "details")


def body(event_type: str, *, at: datetime, data: Mapping[str, Any]) -> str:
    """Return the text to send, under 20 kB.

    Args:
        event_type: a dotted name, such as ``notice.received``.
        at: when the event happened, aware.
        data: JSON values. ``signed_notice`` and then ``details`` are left out when the body would be too large; their names are
            then listed in ``left_out``.

    Raises ValueError for a type that the specification does not permit, or data that is too large in any case.
    """
    if not EVENT_TYPE.fullmatch(event_type):
        raise ValueError("An event type is words joined by dots.")
    kept = dict(data)
    for name in ("", *HEAVY):
        if name and name in kept:
            kept.pop(name)
            kept["left_out"] = [*kept.get("left_out", []), name]
        text = _dump(event_type, at, kept)
        if len(text.encode()) < MAX_BODY_BYTES:
            return text
    raise ValueError("The data of a webhook is over 20 kB.")


def _dump(event_type: str, at: datetime, data: Mapping[str, Any]) -> str:
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document = {"type": event_type, "timestamp": moment, "data": data}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
