"""The Celery application and its schedule.

A message is only a hint to look at the database. What must happen stands in rows, and the schedule sweeps them, so a lost
message costs time and nothing else.
"""

import os

from celery import Celery

from portal import folders

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
folders.register()
app = Celery("trust-exchange")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.imports = ("notifications.tasks", "portal.operations.tasks", "portal.partnerships.tasks", "trust.tasks")

# Seconds after which a message that nobody took is dropped, so that a worker that comes back has no heap of them to go through.
# Judged by the worker's clock: the scheduler's may be behind it by as much and nothing stops.
SKEW = 60

# Seconds between runs. Each task is idempotent and takes its own database claim, so two schedulers do no harm.
app.conf.beat_schedule = {
    "sweep events": {"task": "notifications.fanout.sweep", "schedule": 2.0, "options": {"expires": SKEW}},
    "notice silence": {"task": "notifications.acknowledgements.sweep", "schedule": 5.0, "options": {"expires": SKEW}},
    "deliver webhooks": {"task": "notifications.webhooks.deliver", "schedule": 2.0, "options": {"expires": SKEW}},
    "ask quiet webhooks": {"task": "notifications.webhooks.watch", "schedule": 600.0},
    "notice silent consumers": {"task": "trust.consumers.watch", "schedule": 60.0, "options": {"expires": 60}},
    "notice silent readers of notices": {
        "task": "trust.notices.watch_feed",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "deliver mail": {"task": "notifications.mail.deliver", "schedule": 2.0, "options": {"expires": SKEW}},
    "make daily mails": {"task": "notifications.fanout.make_digests", "schedule": 60.0, "options": {"expires": 120}},
    "mend plans of a wrong clock": {
        "task": "notifications.deliveries.mend",
        "schedule": 20.0,
        "options": {"expires": SKEW},
    },
    "let notices take effect": {"task": "trust.notices.sweep", "schedule": 10.0, "options": {"expires": SKEW}},
    "tell key expiries": {"task": "trust.keys.tell_expiries", "schedule": 3600.0},
    "end calls left alone": {"task": "trust.verifications.sweep", "schedule": 60.0, "options": {"expires": 60}},
    "ask Java about anchors": {"task": "trust.submissions.ask_java", "schedule": 30.0, "options": {"expires": SKEW}},
    "recheck waiting submissions": {
        "task": "trust.submissions.recheck",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "ask whether contacts are still right": {"task": "portal.partnerships.ask_for_reviews", "schedule": 3600.0},
    "sign stores again": {"task": "trust.stores.sign_again", "schedule": 300.0, "options": {"expires": 600}},
    "open reviews": {"task": "trust.onboarding.open_reviews", "schedule": 3600.0},
    "tell certificate expiries": {"task": "trust.inventory.tell_expiries", "schedule": 3600.0},
    "watch CRLs and OCSP": {"task": "trust.revocations.watch", "schedule": 30.0, "options": {"expires": 60}},
    "heartbeat": {"task": "portal.operations.heartbeat", "schedule": 10.0},
}
