"""Asking partners to verify a key by phone, and no longer asking."""

from datetime import datetime

from portal.audit.services import Acting
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from portal.words import day
from trust.keys import rules
from trust.keys.models import OpenPgpKey
from trust.keys.rules import State
from trust.verifications.models import ItemKind, VerificationRequest
from trust.verifications.services import request_verification, withdraw_request


def ask(
    key: OpenPgpKey, partnership: Partnership, *, actor: Acting, now: datetime, max_age_days: int | None = None
) -> VerificationRequest:
    """Ask the other organization of ``partnership`` to verify the key by phone; return the request.

    ``max_age_days`` is the agreement's limit, where one is in force: a verification that is older is made again.
    """
    return request_verification(
        partnership=partnership,
        owner=key.organization,
        relying=partnership.other(key.organization),
        item_kind=ItemKind.OPENPGP_KEY,
        fingerprint=key.fingerprint,
        label="Next OpenPGP key" if key.is_next else "OpenPGP key",
        reading_command=rules.reading_command(key.user_ids),
        source_label=f"Key uploaded on {day(key.created_at)}",
        source_path="keys/",
        uploaded_by=key.uploaded_by,
        max_age_days=max_age_days,
        now=now,
        actor=actor,
    )


def ask_in_new_partnership(partnership: Partnership, *, actor: Acting, now: datetime) -> None:
    """Ask both sides of a partnership that was just formed to verify the keys that the other has proven."""
    for owner in (partnership.first_organization, partnership.second_organization):
        for key in _proven(owner):
            ask(key, partnership, actor=actor, now=now)


def withdraw(key: OpenPgpKey, *, actor: Acting, now: datetime, reason: str) -> None:
    """Take back the requests about a key that are not decided yet; calls about it end."""
    waiting = VerificationRequest.objects.filter(
        owner=key.organization,
        item_kind=ItemKind.OPENPGP_KEY,
        fingerprint=key.fingerprint,
        state__in=[VerificationRequest.State.WAITING, VerificationRequest.State.RECORDED],
    )
    for request in waiting:
        withdraw_request(request=request, actor=actor, now=now, reason=reason)


def _proven(owner: Organization) -> list[OpenPgpKey]:
    return list(OpenPgpKey.objects.filter(organization=owner, state=State.PROVEN).select_related("organization"))
