"""Consumers of Birch, with their tokens."""

from datetime import datetime, timedelta

from tests.cast import Cast
from tests.moments import EVERYTHING_VALID
from trust.consumers import services
from trust.consumers.models import Consumer
from trust.stores import queries
from trust.stores.models import TrustStore


def store_of(cast: Cast, name: str = "alder-prod") -> TrustStore:
    """Return a store of Birch's."""
    return queries.get(cast.birch.organization, name)


def registered(
    cast: Cast, name: str = "payments-gw", *, store: str = "alder-prod", now: datetime = EVERYTHING_VALID
) -> tuple[Consumer, str]:
    """Return a consumer of one store and its token."""
    return services.register(
        name=name, stores=[store_of(cast, store)], owner="team-ledger", actor=cast.birch.admin.actor, now=now
    )


FIVE_MINUTES = timedelta(minutes=5)
