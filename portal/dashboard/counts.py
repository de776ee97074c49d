"""How much needs the acting member, for the top bar and the rail: counted seldom, because every page shows it."""

from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache

from portal.dashboard import needs
from portal.organizations.acting import Actor

# A count may be this many seconds old. Home itself always counts anew.
SECONDS = 20


@dataclass(frozen=True)
class Counts:
    """How many things need the member, and below which addresses they are done."""

    urls: tuple[str, ...] = ()

    @property
    def all(self) -> int:
        return len(self.urls)

    def below(self, address: str) -> int:
        """Return how many are done on pages below ``address``; on Home all of them."""
        return self.all if address == "/" else sum(1 for url in self.urls if url.startswith(address))


def of(actor: Actor, now: datetime) -> Counts:
    """Return the counts of the acting member, at most ``SECONDS`` old."""
    key = _key(actor)
    found = cache.get(key)
    return found if found is not None else remember(actor, needs.of(actor, now))


def remember(actor: Actor, found: list[needs.Need]) -> Counts:
    """Keep the counts of a list that was just made, so that the bar and the list on one page agree."""
    counted = Counts(tuple(need.url for need in found))
    cache.set(_key(actor), counted, SECONDS)
    return counted


def _key(actor: Actor) -> str:
    membership = actor.membership
    return f"needs:{membership.pk if membership else 'nobody'}:{actor.organization.pk if actor.organization else ''}"
