"""Makers of requests and calls: Birch (relying) calls Alder (owner), valid by default."""

import secrets
from datetime import datetime, timedelta

from portal.partnerships.models import Contact
from tests.cast import Cast, Person, make_contact
from tests.moments import EVERYTHING_VALID
from trust.verifications import services
from trust.verifications.models import Verification, VerificationRequest

SESSION = "5" * 64


def contact_of(person: Person, **fields: object) -> Contact:
    """Return the person's entry in the directory, made when there is none."""
    found = Contact.objects.filter(membership=person.membership).first()
    return found or make_contact(person, **fields)


def request(
    cast: Cast, *, fingerprint: str | None = None, now: datetime = EVERYTHING_VALID, **fields: object
) -> VerificationRequest:
    """Return a request of Birch about a fingerprint that Alder's officer uploaded."""
    defaults: dict = {
        "partnership": cast.partnership,
        "owner": cast.alder.organization,
        "relying": cast.birch.organization,
        "item_kind": "certificate",
        "fingerprint": fingerprint or secrets.token_hex(32),
        "label": "Root CA G2",
        "reading_command": "openssl x509 -in root.pem -noout -fingerprint -sha256",
        "source_label": "Submission 118",
        "source_path": "submissions/118/",
        "uploaded_by": cast.alder.officer.user,
        "actor": cast.alder.officer.actor,
        "now": now,
    }
    return services.request_verification(**(defaults | fields))


def started(cast: Cast, about: VerificationRequest | None = None, *, now: datetime = EVERYTHING_VALID) -> Verification:
    """Return a call of Birch's verifier to Alder's verifier, who is a contact, just started."""
    return services.start_call(
        request=about or request(cast),
        contact=contact_of(cast.alder.verifier),
        actor=cast.birch.verifier.actor,
        now=now,
    )


def joined(
    cast: Cast, call: Verification | None = None, *, now: datetime = EVERYTHING_VALID
) -> tuple[Verification, str]:
    """Return a call that the contact has joined, and the code in their session."""
    call = call or started(cast, now=now)
    return call, services.join_call(verification=call, actor=cast.alder.verifier.actor, now=now, session=SESSION)


def typing(cast: Cast, about: VerificationRequest | None = None, *, now: datetime = EVERYTHING_VALID) -> Verification:
    """Return a call that waits for group 1."""
    call, code = joined(cast, started(cast, about, now=now), now=now)
    services.enter_call_code(verification=call, code=code, actor=cast.birch.verifier.actor, now=now)
    services.name_source(verification=call, source="ceremony", actor=cast.birch.verifier.actor, now=now)
    return call


def type_groups(
    cast: Cast, call: Verification, indexes: range | None = None, *, now: datetime = EVERYTHING_VALID
) -> None:
    """Type the right value of some groups, by default of all."""
    for index in indexes or range(1, call.request.group_count + 1):
        right = call.request.fingerprint[(index - 1) * 4 : index * 4]
        services.enter_group(verification=call, index=index, typed=right, actor=cast.birch.verifier.actor, now=now)


def recorded(cast: Cast, about: VerificationRequest | None = None, *, now: datetime = EVERYTHING_VALID) -> Verification:
    """Return a call in which everything matched and both read back."""
    call = typing(cast, about, now=now)
    type_groups(cast, call, now=now)
    services.read_back_done(verification=call, actor=cast.birch.verifier.actor, now=now)
    services.read_back_done(verification=call, actor=cast.alder.verifier.actor, now=now)
    return Verification.objects.select_related("request").get(pk=call.pk)


def approved(cast: Cast, about: VerificationRequest | None = None, *, now: datetime = EVERYTHING_VALID) -> Verification:
    """Return a recorded call that Birch's officer approved."""
    call = recorded(cast, about, now=now)
    services.approve(
        request=call.request, actor=cast.birch.officer.actor, now=now, reason="The record is complete and clean."
    )
    call.request.refresh_from_db()
    return call


def wrong(call: Verification, index: int) -> str:
    """Return a value that is not the right one of a group."""
    right = call.request.fingerprint[(index - 1) * 4 : index * 4]
    return right[:3] + ("0" if right[3] != "0" else "1")


def mismatched(
    cast: Cast, about: VerificationRequest | None = None, *, now: datetime = EVERYTHING_VALID
) -> Verification:
    """Return a call that ended because group 1 differed three times."""
    call = typing(cast, about, now=now)
    for _ in range(3):
        services.enter_group(verification=call, index=1, typed=wrong(call, 1), actor=cast.birch.verifier.actor, now=now)
    return Verification.objects.select_related("request").get(pk=call.pk)


LATER = timedelta(minutes=1)
