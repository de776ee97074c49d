"""What the embedded profile makes for itself: secrets and the folders of its broker."""

import os
import secrets as random
from pathlib import Path

from cryptography.fernet import Fernet


def secrets(data_dir: Path) -> dict[str, str]:
    """Return the generated secrets of this installation, making them on first use.

    Each lives in a file of mode 0600 below ``data_dir``/secrets, a folder of mode 0700. Two processes that start at once
    agree, since a secret is written aside and linked into place only if there is none yet.
    """
    folder = data_dir / "secrets"
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    makers = {
        "SECRET_KEY": lambda: random.token_urlsafe(64),
        "FIELD_ENCRYPTION_KEYS": lambda: Fernet.generate_key().decode(),
    }
    return {name: _read_or_make(folder / name.lower(), make) for name, make in makers.items()}


def _read_or_make(path: Path, make) -> str:
    if not path.exists():
        aside = path.with_name(f"{path.name}.{os.getpid()}.{random.token_hex(4)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_text(encoding="utf-8").strip()


def broker_folders(data_dir: Path) -> dict[str, object]:
    """Return Celery's options for a broker made of folders below ``data_dir``, which exist afterwards.

    The worker looks for new messages ten times a second: kombu's default of one second costs a second per task.
    """
    root = data_dir / "broker"
    for name in ("queue", "processed", "control"):
        (root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "data_folder_in": str(root / "queue"),
        "data_folder_out": str(root / "queue"),
        "processed_folder": str(root / "processed"),
        "control_folder": str(root / "control"),
        "store_processed": False,
        "polling_interval": 0.1,
    }
