"""Root keys in files. The embedded profile makes its own; in production they are made and used on another machine."""

import os
from pathlib import Path

from django.conf import settings

from trust.stores.tuf import signing


def folder() -> Path:
    """Return where the embedded profile keeps its root key: outside of the database, for the portal's user alone."""
    return Path(settings.DATA_DIR) / "tuf"


def local_keys() -> list[str]:
    """Return the root keys (PEM) on this machine, made on first use in the embedded profile; none in production."""
    if not settings.EMBEDDED:
        return []
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder() / "root-1.pem"
    if not path.exists():
        write_key(path, signing.new_key())
    return [each.read_text(encoding="ascii") for each in sorted(folder().glob("root-*.pem"))]


def write_key(path: Path, pem: str) -> bool:
    """Write a private key with mode 0600, and say whether it was written: never over a key that is there.

    Two processes that write at once agree: the file is linked into place whole.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True
