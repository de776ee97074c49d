"""Certificates that their owner's own signed word keeps out of stores. Notices stand above stores, so they say here which."""

from collections.abc import Callable

from portal.organizations.models import Organization

# Of which organization's stores, and whose certificates; answers with digests.
Provider = Callable[[Organization, Organization], frozenset[str]]
_providers: list[Provider] = []


def add(provider: Provider) -> None:
    """Let ``provider`` say what else stays out."""
    if provider not in _providers:
        _providers.append(provider)


def of(relying: Organization, owner: Organization) -> frozenset[str]:
    """Return the digests of ``owner``'s certificates that no bundle brings into a store of ``relying``."""
    return frozenset[str]().union(*(provider(relying, owner) for provider in _providers))
