"""Index of the domain's background tasks; each lives in the folder of its noun."""

from trust.keys.tasks import tell_key_expiries
from trust.notices.tasks import sweep as sweep_notices

__all__ = ["sweep_notices", "tell_key_expiries"]
