"""Organizations' OpenPGP keys in the database, made the way people make them."""

from tests.cast import Company
from tests.makers.openpgp import OpenPgpHolder, make_holder
from tests.moments import EVERYTHING_VALID
from trust.keys import services
from trust.keys.models import OpenPgpKey
from trust.verifications.models import ItemKind, VerificationRequest


def upload(company: Company, holder: OpenPgpHolder, *, now=EVERYTHING_VALID) -> OpenPgpKey:
    """The key of ``holder``, uploaded by the company's officer, so that its verifier can take the call."""
    return services.upload_key(block=holder.public_block(), actor=company.officer.actor, now=now).key


def prove(company: Company, key: OpenPgpKey, holder: OpenPgpHolder, *, now=EVERYTHING_VALID) -> OpenPgpKey:
    """The key, proven by the clearsigned challenge."""
    challenge = services.issue_challenge(key=key, actor=company.officer.actor, now=now)
    answer = holder.clearsign(challenge.text.encode())
    return services.prove_possession(key=key, answer=answer, actor=company.officer.actor, now=now)


def proven_key(company: Company, holder: OpenPgpHolder | None = None) -> tuple[OpenPgpKey, OpenPgpHolder]:
    """A proven key of the company, and who holds it."""
    holder = holder or make_holder(company.organization.name)
    return prove(company, upload(company, holder), holder), holder


def verify(key: OpenPgpKey, relying: Company, *, now=EVERYTHING_VALID) -> VerificationRequest:
    """Mark the key as verified by ``relying``, as if the call and its approval had happened.

    The call itself is shown in the tests of verifications and in the journeys.
    """
    request = VerificationRequest.objects.get(
        relying=relying.organization, item_kind=ItemKind.OPENPGP_KEY, fingerprint=key.fingerprint
    )
    request.state, request.approved_at = VerificationRequest.State.APPROVED, now
    request.approved_by = relying.second_officer.user
    request.save()
    return request


def verified_key(
    company: Company, relying: Company, holder: OpenPgpHolder | None = None
) -> tuple[OpenPgpKey, OpenPgpHolder]:
    """A proven key of ``company`` that ``relying`` has verified."""
    key, holder = proven_key(company, holder)
    verify(key, relying)
    return key, holder
