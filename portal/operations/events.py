"""What operators do that concerns everybody."""

from enum import StrEnum


class Kind(StrEnum):
    """Kinds of events; the string is a public contract."""

    BANNER_SET = "banner.set"
    BANNER_CLEARED = "banner.cleared"


EVENTS: dict[str, str] = {
    Kind.BANNER_SET: "{actor} put on top of every page: {text}",
    Kind.BANNER_CLEARED: "{actor} took down what stood on top of every page",
}
