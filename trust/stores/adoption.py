"""Who runs which version, for pages about stores. Stores do not know their consumers; ``trust.wiring`` says who does."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from portal.organizations.models import Organization
from trust.stores.models import TrustStore


class Source(Protocol):
    """What pages about a store ask of whoever knows its consumers."""

    def lanes_of(self, store: TrustStore, now: datetime) -> Sequence[Any]: ...

    def counts_of(self, stores: Sequence[TrustStore], now: datetime) -> dict[Any, tuple[int, int]]: ...

    def shared_with(self, owner: Organization, now: datetime) -> Sequence[Any]: ...

    def readiness(self, store: TrustStore, now: datetime) -> Any: ...

    def taking_up(self, store: TrustStore, number: int, percent: int, now: datetime) -> Any: ...


class _Nobody:
    def lanes_of(self, store: TrustStore, now: datetime) -> Sequence[Any]:
        return []

    def counts_of(self, stores: Sequence[TrustStore], now: datetime) -> dict[Any, tuple[int, int]]:
        return {}

    def shared_with(self, owner: Organization, now: datetime) -> Sequence[Any]:
        return []

    def readiness(self, store: TrustStore, now: datetime) -> Any:
        return None

    def taking_up(self, store: TrustStore, number: int, percent: int, now: datetime) -> Any:
        return None


source: Source = _Nobody()


def register(known_by: Source) -> None:
    """Have questions about consumers answered by ``known_by``."""
    global source
    source = known_by
