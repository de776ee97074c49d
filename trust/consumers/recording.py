"""Writing down pulls in batches: a few statements for however many pulls there were."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from trust.consumers.models import Consumer, ConsumerToken, PullRecord
from trust.consumers.rules import PullHistory
from trust.stores.serve.pulls import Pull

_CHUNK = 500
_FIELDS = [
    "pulled_at", "version_number", "user_agent", "pull_count", "observed_seconds", "history", "history_until",
]  # fmt: skip
# The weight of the newest interval in the moving mean.
_NEWEST = 0.3


def record_pulls(pulls: Sequence[Pull]) -> None:
    """Write the last pull of each consumer and store. An older pull, flushed late by another process, never replaces a newer."""
    for start in range(0, len(pulls), _CHUNK):
        _record(pulls[start : start + _CHUNK])


@transaction.atomic
def _record(pulls: Sequence[Pull]) -> None:
    consumers = {pull.consumer_id for pull in pulls}
    # A consumer may be gone by the time its last pull is written.
    existing = set(Consumer.objects.filter(pk__in=consumers).values_list("pk", flat=True))
    known = {
        (row.consumer_id, row.store_id): row
        for row in PullRecord.objects.select_for_update().filter(
            consumer_id__in=existing, store_id__in={pull.store_id for pull in pulls}
        )
    }
    rows = [
        _updated(known.get((pull.consumer_id, pull.store_id)), pull)
        for pull in pulls
        # Who only asked, and never took a version, never pulled.
        if pull.consumer_id in existing and (pull.number or (pull.consumer_id, pull.store_id) in known)
    ]
    PullRecord.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["consumer", "store"], update_fields=_FIELDS
    )
    for at, tokens in _used(pulls).items():
        ConsumerToken.objects.filter(pk__in=tokens).update(last_used_at=at)


def _used(pulls: Sequence[Pull]) -> dict[datetime, list[UUID]]:
    """Return the tokens by when they were last used, to the second: a statement for each second and not for each token."""
    used: dict[UUID, datetime] = {pull.token_id: pull.at for pull in pulls if pull.token_id}
    found: dict[datetime, list[UUID]] = {}
    for token_id, at in used.items():
        found.setdefault(at.replace(microsecond=0), []).append(token_id)
    return found


def _updated(row: PullRecord | None, pull: Pull) -> PullRecord:
    if row is None:
        row = PullRecord(consumer_id=pull.consumer_id, store_id=pull.store_id)
    else:
        # The row is written back by its key, not by its number.
        row.pk = None
        row._state.adding = True
        if row.pulled_at < pull.at:
            interval = (pull.at - row.pulled_at).total_seconds() / pull.count
            mean = row.observed_seconds
            row.observed_seconds = interval if mean is None else mean + _NEWEST * (interval - mean)
    history = PullHistory(bytes(row.history) or PullHistory().bits, row.history_until).mark(pull.at)
    row.history, row.history_until = history.bits, history.until
    row.pull_count += pull.count
    if row.pulled_at is None or row.pulled_at <= pull.at:
        row.pulled_at, row.user_agent = pull.at, pull.user_agent
        row.version_number = pull.number or row.version_number
    return row
