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


EVENTS: dict[str, str] = {
    "contact.added": "{actor} added {contact} to the contact directory of {organization}",
    "contact.details_changed": "{actor} changed details of {contact} in the contact directory of {organization}",
    "contact.number_changed": "{actor} changed the number of {contact} at {organization} from {before} to {number}; "
    "it can be used from {usable_from}",
    "contact.confirmed_by_call": "{actor} called {contact} of {organization} and confirmed the number {number}",
    "contact.confirmed_by_contact": "{actor} confirmed that {number} is the number of {contact}",
    "contact.reviewed": "{actor} said that the entry of {contact} is still right",
    "contact.review_due": "Nobody has said for a quarter that the entry of {contact} is still right",
    "contact.mail_came_back": "A mail to {contact} at {organization} came back",
    "contact.reported_wrong": "{actor} reported the number {number} of {contact} as wrong: {reason}",
    "contact.retired": "{actor} retired the contact {contact} of {organization}",
}
