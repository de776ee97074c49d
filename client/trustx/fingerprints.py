"""Fingerprints in groups of four, as they are read over the phone."""


def grouped(digest: str) -> str:
    """Return hex digits in groups of four, upper case."""
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4)).upper()
