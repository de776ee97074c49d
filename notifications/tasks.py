"""Index of the background tasks of notifications; each lives in the folder of its noun."""

from notifications.fanout.tasks import deliver_mail, sweep

__all__ = ["deliver_mail", "sweep"]
