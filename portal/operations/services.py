"""Writing signs of life."""

from datetime import datetime

from portal.operations.models import Heartbeat

WORKER = "worker"


def beat(*, name: str, now: datetime) -> None:
    """Write down that the process called ``name`` was alive at ``now``."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})
