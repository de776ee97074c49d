"""What revoking a CA would do to the receiver's trust stores, told to the sender before anything is signed.

Names of stores and numbers of consumers are the receiver's own: the sender learns them only under an agreement that shares them,
names of consumers never. That a CA leaves, and what hangs below it, is the sender's own business.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trust.agreements.terms import Terms
from trust.certificates.models import Certificate
from trust.consumers.models import Consumer
from trust.stores import grounds, queries, rules
from trust.stores.models import TrustStore


@dataclass(frozen=True)
class Loss:
    """What one of the receiver's stores loses. ``store`` is empty and ``services`` None where they are not shared."""

    stops: tuple[Certificate, ...]  # the CA itself first, then what hangs below it
    store: str = ""
    version: int = 0
    services: int | None = None
    empties: bool = False  # nothing of the sender is trusted there any more


def losses(certificate: Certificate | None, stores: Sequence[TrustStore], terms: Terms) -> list[Loss]:
    """Return what each store whose current version holds the certificate would lose, by the rule that removes it later."""
    if certificate is None:
        return []
    found = []
    for store in stores:
        entries = grounds.entries_of(queries.current(store))
        if certificate.sha256 in {entry.sha256 for entry in entries}:
            found.append(_loss(store, rules.withdraw(entries, [certificate.sha256]), certificate, terms))
    return found


def services_hit(stores: Sequence[TrustStore], certificate: Certificate | None, terms: Terms) -> int | None:
    """Return how many of the receiver's services pull a store that holds the certificate, each counted once; None if not shared."""
    if certificate is None or not terms.shares_consumer_counts:
        return None
    holding = [
        store.pk for store in stores if queries.entries(queries.current(store)).filter(certificate=certificate).exists()
    ]
    return Consumer.objects.filter(stores__in=holding, retired_at=None).distinct().count()


def _loss(store: TrustStore, composition: rules.Composition, certificate: Certificate, terms: Terms) -> Loss:
    gone = {entry.sha256 for entry in composition.removed} - {certificate.sha256}
    below = Certificate.objects.filter(pk__in=gone).order_by("subject", "sha256")
    shared = terms.shares_consumer_counts
    return Loss(
        stops=(certificate, *below),
        store=store.name if shared else "",
        version=store.current_number if shared else 0,
        services=store.consumers.filter(retired_at=None).count() if shared else None,
        empties=composition.empties,
    )
