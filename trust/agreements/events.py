"""The facts about agreements that the log can hold."""

from enum import StrEnum


class Kind(StrEnum):
    """Kinds of events; the string is a public contract."""

    DRAFTED = "agreement.drafted"
    DISCARDED = "agreement.discarded"
    PROPOSED = "agreement.proposed"
    WITHDRAWN = "agreement.withdrawn"
    DECLINED = "agreement.declined"
    IN_FORCE = "agreement.in_force"
    WAIVER_PROPOSED = "agreement.waiver_proposed"
    WAIVER_AGREED = "agreement.waiver_agreed"
    WAIVER_DECLINED = "agreement.waiver_declined"
    WAIVER_ENDED = "agreement.waiver_ended"
