"""Which feature of ``trust`` listens to which fact of a lower one. Receivers run inside the fact's transaction."""

import hashlib
from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_save
from django.utils import timezone

from portal.organizations import acting, tokens
from portal.partnerships.signals import contact_unusable, partnership_formed
from trust.certificates import showing as certificates
from trust.consumers import lanes, recording
from trust.consumers import queries as consumers
from trust.consumers import uptake as consumer_uptake
from trust.keys import calls as keys
from trust.keys.signals import key_ending, key_replaced, key_revoked
from trust.notices import effects
from trust.notices import queries as notice_queries
from trust.notices import related as notices
from trust.revocations import related as revocations
from trust.stores import adoption, barred, beside, drafts
from trust.stores import related as stores
from trust.stores.models import TrustStore
from trust.stores.serve import access, pulls
from trust.submissions import renewals
from trust.submissions import services as submissions
from trust.submissions import showing as submission_words
from trust.submissions import uptake as submission_uptake
from trust.submissions.signals import submission_over
from trust.verifications import services as verifications
from trust.verifications import signals as verified


def connect() -> None:
    """Connect the receivers; called once, when the app is ready."""
    partnership_formed.connect(_partnership_formed, dispatch_uid="keys.partnership_formed")
    contact_unusable.connect(_contact_unusable, dispatch_uid="verifications.contact_unusable")
    user_logged_out.connect(_signed_out, dispatch_uid="verifications.signed_out")
    _serve_consumers()
    _follow_fingerprints_and_keys()
    certificates.add(stores.trusted_in)
    certificates.add(revocations.seen_about)
    certificates.add(notices.said_about)
    beside.add(revocations.lists_of)
    barred.add(notice_queries.revoked_by_notice)
    post_save.connect(_store_made, sender=TrustStore, dispatch_uid="notices.store_made")
    submission_words.publication_from(stores.published_in)
    submission_words.active_version_from(stores.active_version)
    renewals.anchors_in_stores_from(stores.anchors_with_keys)


def _follow_fingerprints_and_keys() -> None:
    for fact in (
        verified.verification_recorded,
        verified.verification_approved,
        verified.verification_declined,
        verified.verification_quarantined,
        verified.verification_unlocked,
    ):
        fact.connect(_fingerprint_moved, dispatch_uid="submissions.fingerprint_moved")
    key_ending.connect(_key_ending, dispatch_uid="submissions.key_ending")
    for fact in (key_revoked, key_replaced):
        fact.connect(_key_lost, dispatch_uid="submissions.key_lost")
    submission_over.connect(_submission_over, dispatch_uid="stores.submission_over")


def _fingerprint_moved(*, request: Any, actor: Any, now: Any, **_: Any) -> None:
    submissions.follow_verification(request=request, actor=actor, now=now)


def _key_ending(*, key: Any, **_: Any) -> None:
    submissions.hold_for_key(key=key)


def _key_lost(*, key: Any, actor: Any, now: Any, **_: Any) -> None:
    submissions.follow_key(key=key, actor=actor, now=now)


def _submission_over(*, submission: Any, actor: Any, now: Any, **_: Any) -> None:
    drafts.end_with(submission, actor=actor, now=now)


def _store_made(*, instance: Any, created: bool, **_: Any) -> None:
    if created:
        effects.deny_in_new_store(instance, now=instance.created_at)


def _partnership_formed(*, partnership: Any, actor: Any, now: Any, **_: Any) -> None:
    keys.ask_in_new_partnership(partnership, actor=actor, now=now)


def _contact_unusable(*, contact: Any, actor: Any, now: Any, **_: Any) -> None:
    verifications.contact_became_unusable(contact=contact, actor=actor, now=now)


def _signed_out(*, request: Any, **_: Any) -> None:
    key = getattr(getattr(request, "session", None), "session_key", None)
    if key:
        session = hashlib.sha256(key.encode()).hexdigest()
        actor = getattr(request, "actor", None) or acting.PORTAL
        verifications.reader_signed_out(
            session=session, actor=actor, now=getattr(request, "now", None) or timezone.now()
        )


def _serve_consumers() -> None:
    """Tell the serving of stores whose tokens consumers hold, and where their pulls are written down."""
    access.register(tokens.CONSUMER_PREFIX, consumers.access_by_digest)
    pulls.recorder.sink = recording.record_pulls
    adoption.register(_Consumers())
    submission_uptake.register(consumer_uptake.of_submission)


class _Consumers:
    """Who runs which version, for stores, which do not know their consumers."""

    lanes_of = staticmethod(lanes.lanes_of)
    counts_of = staticmethod(consumers.counts_of)
    shared_with = staticmethod(consumers.shared_with)
    readiness = staticmethod(consumers.readiness)
    taking_up = staticmethod(consumers.taking_up)
