"""Since when the portal has looked without a gap: whoever watches for silence asks, since while it was away nobody was heard."""

from datetime import datetime, timedelta

from django.core.cache import cache

# A gap in the looking longer than this means that the portal itself was away.
GAP = timedelta(minutes=5)
_KEPT_FOR = 24 * 3600


def since(name: str, now: datetime) -> datetime:
    """Return since when ``name`` has been looked at without a gap of more than ``GAP``; this look counts."""
    began, last = cache.get(name) or (now, now)
    if not timedelta(0) <= now - last <= GAP:
        began = now
    cache.set(name, (began, now), _KEPT_FOR)
    return began
