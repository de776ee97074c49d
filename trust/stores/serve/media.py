"""Which format an ``Accept`` header prefers (RFC 9110 section 12.5.1)."""

from functools import lru_cache

from trust.stores import formats

_LONGEST = 500
# Names that people use for formats whose registered name is another.
_ALSO = {
    "application/x-pem-file": "pem",
    "application/x-x509-ca-cert": "pem",
    "application/x-pkcs7-certificates": "p7b",
    "application/pkcs12": "p12",
    "text/plain": "pem",
}

# Formats that are text; the others are bytes.
TEXT = frozenset(
    each.extension for each in formats.FORMATS if each.extension.endswith(("pem", "json", "txt", "yaml", "conf"))
)


def _extensions() -> dict[str, str]:
    """Return the extension that each media type stands for; of several formats with one type, the first."""
    found = dict(_ALSO)
    for each in reversed(formats.FORMATS):
        found[each.content_type.partition(";")[0]] = each.extension
    return found


_EXTENSIONS = _extensions()


def offered() -> list[str]:
    """Return the media types that there are, PEM first."""
    return list(dict.fromkeys(each.content_type.partition(";")[0] for each in formats.FORMATS))


@lru_cache(maxsize=256)
def _preferred(accept: str) -> str | None:
    asked = [_read(part) for part in accept.lower().split(",")]
    named = {_EXTENSIONS[media]: quality for media, quality in asked if media in _EXTENSIONS}
    # The first of equally good ones, as it was written.
    for media, quality in sorted((each for each in asked if each[1] > 0), key=lambda each: -each[1]):
        if media in _EXTENSIONS:
            return _EXTENSIONS[media]
        for extension in _in_range(media):
            # What is said of one type goes before what is said of all, so that one of them can be refused.
            if named.get(extension, quality) >= quality:
                return extension
    return None


def _in_range(media: str) -> list[str]:
    """Return the extensions that a range like ``*/*`` or ``text/*`` stands for; none for what is no range."""
    kind, _, rest = media.partition("/")
    if media != "*" and rest != "*":
        return []
    # The registered names first, then those that people use.
    types = {**{each: _EXTENSIONS[each] for each in offered()}, **_ALSO}
    return [extension for each, extension in types.items() if kind in ("*", each.partition("/")[0])]


def preferred(accept: str) -> str | None:
    """Return the extension of the format that an ``Accept`` header likes best; None when it takes none that there is."""
    return _preferred(accept[:_LONGEST]) if accept.strip() else formats.FORMATS[0].extension


def _read(part: str) -> tuple[str, float]:
    media, *parameters = (word.strip() for word in part.split(";"))
    for each in parameters:
        name, _, value = each.partition("=")
        if name.strip() == "q":
            try:
                return media, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return media, 0.0
    return media, 1.0
