"""What a store has beside its versions, for its page. CRLs and denials stand above stores, so they say here what there is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from trust.stores.models import TrustStore


@dataclass(frozen=True)
class Beside:
    """One list: its file's name, what it is, how it stands, and whether a service may rely on it as it is."""

    file: str
    label: str
    sentence: str
    whole: bool

    def address(self, store: TrustStore) -> str:
        """Return where it is pulled."""
        return f"/api/v1/trust-stores/{store.name}/{self.file}"


Provider = Callable[[TrustStore, datetime], list[Beside]]
_providers: list[Provider] = []


def add(provider: Provider) -> None:
    """Let ``provider`` say what else a store has."""
    if provider not in _providers:
        _providers.append(provider)


def of(store: TrustStore, now: datetime) -> list[tuple[Beside, str]]:
    """Return each list of a store with its address."""
    return [(each, each.address(store)) for provider in _providers for each in provider(store, now)]
