"""Reading trust stores, always from the point of view of the relying organization."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.stores import grounds, rules
from trust.stores.models import Artifact, StoreDraft, StoreEntry, StoreVersion, TrustStore


def of(relying: Organization) -> QuerySet[TrustStore]:
    """Return the stores of an organization, by name."""
    return TrustStore.objects.filter(relying=relying).select_related("owner", "relying", "partnership")


def get(relying: Organization, name: str) -> TrustStore:
    """Return one store by its name. Raises NotFound for strangers as for what does not exist."""
    found = of(relying).filter(name=name).first()
    if found is None:
        raise errors.NotFound()
    return found


def about(owner: Organization, partnership: Partnership) -> QuerySet[TrustStore]:
    """Return the stores in which the partner trusts ``owner``: names and numbers are all that the owner is shown."""
    return TrustStore.objects.filter(owner=owner, partnership=partnership).select_related("relying")


# The version that is served as current, with the names of its formats, as ``currently`` of each store.
WITH_FORMATS = Prefetch(
    "versions",
    queryset=StoreVersion.objects.filter(number=F("store__current_number")).prefetch_related(
        Prefetch("artifacts", queryset=Artifact.objects.only("format", "version"))
    ),
    to_attr="currently",
)


def current(store: TrustStore) -> StoreVersion | None:
    """Return the version that is served as current, or None before the first."""
    return store.versions.filter(number=store.current_number).first() if store.current_number else None


def version(store: TrustStore, number: int) -> StoreVersion:
    """Return one version of a store. Raises NotFound."""
    found = store.versions.select_related("published_by", "first_person", "submission").filter(number=number).first()
    if found is None:
        raise errors.NotFound()
    return found


def versions(store: TrustStore) -> QuerySet[StoreVersion]:
    """Return the versions of a store, newest first."""
    return store.versions.select_related("published_by", "first_person", "submission", "reviewed_by")


def entries(version: StoreVersion | None) -> QuerySet[StoreEntry]:
    """Return what a version holds, in order, with certificates and submissions."""
    if version is None:
        return StoreEntry.objects.none()
    return version.entries.select_related("certificate", "submission").order_by("position")


def signers(version: StoreVersion | None) -> list[str]:
    """Return the fingerprints (lower-case hex) of the OpenPGP keys with which the owner signed what a version holds."""
    if version is None:
        return []
    return sorted(set(version.entries.order_by().values_list("signer_fingerprint", flat=True)))


def withdrawn_digests(store: TrustStore) -> frozenset[str]:
    """Return the digests of certificates that were in an earlier version and are not in the current one."""
    ever = set(StoreEntry.objects.filter(version__store=store).values_list("certificate_id", flat=True))
    now_in = StoreEntry.objects.filter(version__store=store, version__number=store.current_number)
    return frozenset(ever - set(now_in.values_list("certificate_id", flat=True)))


def withdrawn_certificates(store: TrustStore) -> QuerySet[Certificate]:
    """Return the certificates that this store once held and holds no more, by name."""
    return Certificate.objects.filter(pk__in=withdrawn_digests(store)).order_by("subject")


def compare(store: TrustStore, first: int, second: int) -> rules.Composition:
    """Return the difference between two versions of one store; ``entries`` are those of the second. Raises NotFound.

    ``added`` and ``removed`` tell what one would notice who goes from the first to the second, whichever is newer.
    """
    before = grounds.entries_of(version(store, first))
    after = grounds.entries_of(version(store, second))
    return rules.difference(before, after)


def waiting_drafts(relying: Organization) -> QuerySet[StoreDraft]:
    """Return the proposals that wait for a second person, oldest first."""
    return (
        StoreDraft.objects.filter(relying=relying, state=StoreDraft.State.WAITING)
        .select_related("store", "proposed_by", "submission__partnership", "contents_of")
        .order_by("proposed_at")
    )


def drafts_of(store: TrustStore) -> QuerySet[StoreDraft]:
    """Return the proposals about a store that wait for a second person; of a first submission, those of its partner."""
    mine = Q(store=store) | Q(store=None, submission__owner_id=store.owner_id)
    return waiting_drafts(store.relying).filter(mine)


def waiting_draft(store: TrustStore, draft_id: UUID) -> StoreDraft | None:
    """Return one of those proposals, or None."""
    return drafts_of(store).filter(pk=draft_id).first()


def draft(relying: Organization, draft_id: UUID | str) -> StoreDraft:
    """Return one proposal of an organization. Raises NotFound."""
    found = StoreDraft.objects.filter(relying=relying, pk=draft_id).select_related("store", "proposed_by").first()
    if found is None:
        raise errors.NotFound()
    return found


def waiting_reviews(relying: Organization) -> QuerySet[StoreVersion]:
    """Return the removals that one person published alone and nobody has reviewed yet, most urgent first."""
    return (
        StoreVersion.objects.filter(store__relying=relying, review_due_at__isnull=False, reviewed_at=None)
        .select_related("store", "published_by")
        .order_by("review_due_at")
    )


def trusting(certificate_digests: Iterable[str], relying: Organization) -> QuerySet[StoreEntry]:
    """Return the places of certificates in the organization's current versions."""
    return StoreEntry.objects.filter(
        certificate_id__in=list(certificate_digests),
        version__store__relying=relying,
        version__number=F("version__store__current_number"),
    ).select_related("version__store", "certificate")


def with_counts(relying: Organization) -> QuerySet[TrustStore]:
    """Return the stores with ``certificate_count`` and ``published_at`` of their current versions."""
    current_versions = StoreVersion.objects.filter(store=OuterRef("pk"), number=OuterRef("current_number"))
    return of(relying).annotate(
        published_at=Subquery(current_versions.values("published_at")[:1]),
        certificate_count=Count("versions__entries", filter=Q(versions__number=F("current_number")), distinct=True),
    )
