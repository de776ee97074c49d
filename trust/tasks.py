"""Index of the domain's background tasks; each lives in the folder of its noun."""

from trust.keys.tasks import tell_key_expiries
from trust.notices.tasks import sweep as sweep_notices
from trust.verifications.tasks import sweep as sweep_calls

__all__ = ["sweep_calls", "sweep_notices", "tell_key_expiries"]
