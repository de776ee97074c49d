"""Index of the background tasks of notifications; each lives in the folder of its noun."""

from notifications.acknowledgements.tasks import sweep as sweep_clocks
from notifications.fanout.tasks import deliver_mail, deliver_webhooks, make_digests, mend_plans, sweep, watch_webhooks

__all__ = ["deliver_mail", "deliver_webhooks", "make_digests", "mend_plans", "sweep", "sweep_clocks", "watch_webhooks"]
