"""Reading the files that somebody names: whole, and no more than fits."""

import errno
from pathlib import Path

MOST = 16 * 1024 * 1024
_CHUNK = 64 * 1024
MOST_OF_WORDS = 64 * 1024  # a token, or settings


def whole(path: Path, most: int = MOST) -> bytes:
    """Return a file's content. Raises OSError, also for one with more than ``most`` bytes, such as a device without an end."""
    content = bytearray()
    with path.open("rb") as file:
        # Asked for all at once, Python would set aside room for as much as may be there.
        while chunk := file.read(_CHUNK):
            content += chunk
            if len(content) > most:
                raise OSError(errno.EFBIG, f"it has more than {most // 1024} KiB", str(path))
    return bytes(content)


def words(path: Path) -> str:
    """Return a short text. Raises OSError, and ValueError for what is no UTF-8."""
    return whole(path, MOST_OF_WORDS).decode("utf-8")
