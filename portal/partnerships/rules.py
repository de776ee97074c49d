"""The states of a partnership, and what moves it from one to the next. Plain Python."""

from enum import StrEnum


class Action(StrEnum):
    """What can be done to a partnership."""

    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    END = "end"


# (state, action) -> state. What is not here is refused.
TRANSITIONS: dict[tuple[str, Action], str] = {
    ("onboarding", Action.ACTIVATE): "active",
    ("onboarding", Action.SUSPEND): "suspended",
    ("active", Action.SUSPEND): "suspended",
    ("suspended", Action.RESUME): "active",
    ("onboarding", Action.END): "ended",
    ("active", Action.END): "ended",
    ("suspended", Action.END): "ended",
}
# In these states new submissions, keys and notices are taken. Notices are also taken while suspended: a revocation must
# never be turned away.
EXCHANGES = frozenset({"onboarding", "active"})
TAKES_NOTICES = frozenset({"onboarding", "active", "suspended"})


def after(state: str, action: Action) -> str | None:
    """Return the state after ``action``, or None when the action is not possible in ``state``."""
    return TRANSITIONS.get((state, action))
