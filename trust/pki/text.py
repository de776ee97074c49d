"""Showing text that a stranger chose (user IDs, names, status lines) without letting it act."""

_BIDI_AND_INVISIBLE = frozenset(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0x061C]
)


def escaped(text: str) -> str:
    """`text` with everything but printable ASCII written as ``<U+XXXX>``.

    Line feeds, terminal escapes, bidirectional controls and look-alike letters all become visible, and the
    result is one line that is safe to log.
    """
    return "".join(char if " " <= char <= "~" else f"<U+{ord(char):04X}>" for char in text)


def has_controls(text: str) -> bool:
    """Whether `text` holds control, bidirectional, zero-width or lone surrogate characters."""
    return any(
        ord(char) < 0x20
        or 0x7F <= ord(char) <= 0x9F
        or 0xD800 <= ord(char) <= 0xDFFF
        or ord(char) in (0x2028, 0x2029)
        or ord(char) in _BIDI_AND_INVISIBLE
        for char in text
    )
