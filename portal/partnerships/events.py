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


EVENTS: dict[str, str] = {
    Kind.PARTNER_INVITED: "{actor} invited {company} ({contact}, {email}) to become a partner",
    Kind.INVITATION_WITHDRAWN: "{actor} withdrew the invitation of {company}",
    Kind.FORMED: "{actor} accepted the invitation: {organizations} are partners",
    Kind.SUSPENDED: "{actor} suspended the partnership: {reason}",
    Kind.RESUMED: "{actor} resumed the partnership: {reason}",
    Kind.ENDED: "{actor} ended the partnership: {reason}",
}
