"""The facts about partnerships that the log can hold."""

from enum import StrEnum


class Kind(StrEnum):
    """Kinds of events; the string is a public contract."""

    PARTNER_INVITED = "partnership.partner_invited"
    INVITATION_WITHDRAWN = "partnership.invitation_withdrawn"
    FORMED = "partnership.formed"
    SUSPENDED = "partnership.suspended"
    RESUMED = "partnership.resumed"
    ENDED = "partnership.ended"
