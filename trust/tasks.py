"""Index of the domain's background tasks; each lives in the folder of its noun."""

from trust.consumers.tasks import watch_consumers
from trust.inventory.tasks import tell_certificate_expiries
from trust.keys.tasks import tell_key_expiries
from trust.notices.tasks import sweep as sweep_notices
from trust.notices.tasks import watch_feed
from trust.onboarding.tasks import open_reviews
from trust.revocations.tasks import watch_revocations
from trust.stores.tuf.tasks import sign_again as sign_tuf_again
from trust.submissions.tasks import ask_java
from trust.submissions.tasks import recheck as recheck_submissions
from trust.verifications.tasks import sweep as sweep_calls

__all__ = [
    "ask_java",
    "open_reviews",
    "recheck_submissions",
    "sign_tuf_again",
    "sweep_calls",
    "sweep_notices",
    "tell_certificate_expiries",
    "tell_key_expiries",
    "watch_consumers",
    "watch_feed",
    "watch_revocations",
]
