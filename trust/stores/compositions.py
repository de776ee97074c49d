"""What the next version would hold, for each way to get there."""

from collections.abc import Iterable
from datetime import datetime

from portal import errors
from trust.stores import barred, grounds, publishing, queries, rules
from trust.stores.models import StoreDraft, StoreEntry, StoreVersion, TrustStore
from trust.submissions.models import Submission, SubmissionCertificate


def of_submission(
    store: TrustStore, submission: Submission, places: list[SubmissionCertificate], now: datetime
) -> rules.Composition:
    """Return the current contents plus what an accepted submission adds.

    What was withdrawn from this store, or revoked by its owner before it was in one, stays out. Raises Conflict when a key or
    anchor is not verified, Invalid when an intermediate has no anchor above it.
    """
    current = grounds.entries_of(publishing.current_version(store))
    additions = grounds.entries_from(submission, places, now)
    return rules.compose(*_linked(current, additions), withdrawn=_kept_out(store, submission, current))


def preview(submission: Submission) -> rules.Composition:
    """Return what accepting a submission would change, before its anchors are verified. For showing, never for publishing.

    Raises Invalid when an intermediate has no anchor above it.
    """
    store = TrustStore.objects.filter(relying=submission.relying, name=name_for(submission)).first()
    current = grounds.entries_of(publishing.current_version(store)) if store else []
    additions = [
        rules.Entry(
            sha256=place.certificate_id,
            role=place.role,
            submission_id=str(submission.pk),
            signer_fingerprint=submission.signer_fingerprint or "none yet",
            verification_id="not yet" if place.role == rules.ANCHOR else None,
        )
        for place in submission.places.all()
    ]
    return rules.compose(*_linked(current, additions), withdrawn=_kept_out(store, submission, current))


def _kept_out(store: TrustStore | None, submission: Submission, current: Iterable[rules.Entry]) -> frozenset[str]:
    withdrawn = queries.withdrawn_digests(store) if store else frozenset()
    # What is in the store is taken out by its notice, at its moment; here it is only kept from coming in.
    return withdrawn | barred.of(submission.relying, submission.owner).difference(entry.sha256 for entry in current)


def of_draft(store: TrustStore, draft: StoreDraft) -> rules.Composition:
    """Return what a proposal about a store, other than a submission, would change now. Raises Invalid."""
    if draft.contents_of is not None:
        return contents_again(store, draft.contents_of)
    current = grounds.entries_of(publishing.current_version(store))
    digests = set(draft.certificates.values_list("pk", flat=True))
    rows = StoreEntry.objects.filter(version__store=store, certificate_id__in=digests).order_by("version__number")
    latest = {row.certificate_id: row for row in rows}
    return rules.compose(*_linked(current, [grounds.value(row) for row in latest.values()]))


def contents_again(store: TrustStore, earlier: StoreVersion) -> rules.Composition:
    """Return exactly the contents of an earlier version."""
    current = grounds.entries_of(publishing.current_version(store))
    return rules.replace_contents(current, grounds.entries_of(earlier))


def name_for(submission: Submission) -> str:
    """Return the name of the store that a submission goes to."""
    return rules.store_name(submission.owner.slug, submission.environment, submission.purpose)


def store_for(submission: Submission, now: datetime) -> TrustStore:
    """Return the store that a submission of this partner goes to, made at the first publication. Raises Conflict."""
    store, _ = TrustStore.objects.get_or_create(
        relying=submission.relying,
        name=name_for(submission),
        defaults={
            "owner": submission.owner,
            "partnership": submission.partnership,
            "environment": submission.environment,
            "purpose": submission.purpose,
            "created_at": now,
        },
    )
    if (store.owner_id, store.environment, store.purpose) != (
        submission.owner_id,
        submission.environment,
        submission.purpose,
    ):
        raise errors.Conflict(f"The name {store.name} belongs to a store of another partner.", code="store_name_taken")
    return store


def _linked(current: list[rules.Entry], additions: list[rules.Entry]) -> tuple[list[rules.Entry], list[rules.Entry]]:
    linked = grounds.with_lineage([*current, *additions])
    return linked[: len(current)], linked[len(current) :]
