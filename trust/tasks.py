"""Index of the domain's background tasks; each lives in the folder of its noun."""

from trust.keys.tasks import tell_key_expiries

__all__ = ["tell_key_expiries"]
