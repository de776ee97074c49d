"""Bundles as they are published now."""

import json
from collections.abc import Iterable
from contextlib import suppress

from django.db.models import QuerySet

from portal import errors
from portal.organizations.models import Organization
from trust.stores.federation.models import SpiffeBinding
from trust.stores.formats import spiffe
from trust.stores.models import Artifact, TrustStore
from trust.stores.serve import resolve
from trust.stores.serve.access import Access
from trust.stores.serve.answer import Served, Wanted

FORMAT, MAP_FORMAT = "spiffe.json", "spiffe-map.json"
_ANYBODY = float("inf")


def binding_of(store: TrustStore) -> SpiffeBinding | None:
    """Return which trust domain a store stands for, if that was said."""
    return SpiffeBinding.objects.filter(store=store).select_related("changed_by").first()


def domain_in_current_map(store: TrustStore) -> str:
    """Return the trust domain that the current version's bundle map names: the one that the store stood for when it was published.

    Empty when it stood for none, so that the version has no map.
    """
    made = Artifact.objects.filter(version__store=store, version__number=store.current_number, format=MAP_FORMAT)
    content = made.values_list("content", flat=True).first()
    return next(iter(json.loads(bytes(content))["trust_domains"])) if content else ""


def bindings(relying: Organization) -> QuerySet[SpiffeBinding]:
    """Return the stores of an organization that stand for a trust domain."""
    return SpiffeBinding.objects.filter(relying=relying, store__current_number__gt=0).select_related("store")


def _public() -> QuerySet[SpiffeBinding]:
    return SpiffeBinding.objects.filter(
        public_since__isnull=False, store__current_number__gt=0, store__partnership__activated_at__isnull=False
    ).select_related("store")


def public_bundle(organization: str, name: str) -> Served:
    """Return a store's bundle that an officer made public. Raises NotFound alike for what is closed and what does not exist."""
    binding = _public().filter(relying__slug=organization, store__name=name).first()
    if binding is None:
        raise errors.NotFound()
    return _bundle(binding)


def public_map(organization: str) -> bytes:
    """Return all public bundles of an organization in one document. Raises NotFound when there is none."""
    found = list(_public().filter(relying__slug=organization))
    if not found:
        raise errors.NotFound()
    return map_of(with_bundles(found))


def with_bundles(found: Iterable[SpiffeBinding]) -> list[tuple[SpiffeBinding, bytes]]:
    """Return those of the stores that have a bundle, and it.

    A store whose version has none, for JWK cannot say its keys, takes nothing from the others. Raises NotFound when none is left.
    """
    made = []
    for each in found:
        with suppress(errors.NotFound):
            made.append((each, _bundle(each).content))
    if not made:
        raise errors.NotFound()
    return made


def map_of(made: Iterable[tuple[SpiffeBinding, bytes]]) -> bytes:
    """Return the bundles of several stores in one document, each under its trust domain."""
    return spiffe.bundle_map((binding.trust_domain, content) for binding, content in made)


def _bundle(binding: SpiffeBinding) -> Served:
    access = Access(binding.relying_id, _ANYBODY, frozenset({binding.store_id}))
    return resolve.artifact(access, Wanted(binding.store.name, None, FORMAT))
