"""Detached OpenPGP signatures of the two people over the record, so that it outlives the portal."""

from datetime import datetime

from django.db import transaction

from portal import errors
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships.models import Contact
from trust import verdicts
from trust.pki.openpgp import keys, verify
from trust.pki.openpgp.errors import OpenPgpError, SecretKeyFound, ToolMissing
from trust.verifications import record
from trust.verifications.locks import hold_call, tell
from trust.verifications.models import Verification, VerificationSignature


def add_signature(
    *, verification: Verification, signature: str, key_block: str, actor: Actor, now: datetime
) -> VerificationSignature:
    """Keep the verifier's or the reader's detached signature over the call's document, once it is checked to be good.

    ``key_block`` is the person's own public key. Whether the contact directory names the same key is kept beside it: that
    the key is the person's, the portal cannot know.

    Raises NotFound for strangers, NotAllowed for anybody but the two, Conflict (the call has no record, or the person has
    signed), Invalid for a signature that is not good and for a key that cannot be used, Unavailable without gpg.
    """
    if actor.organization is None or not verification.partnership.has(actor.organization):
        raise errors.NotFound()
    user = actor.require_person(Right.READ, step_up=False)
    roles = {verification.verifier_id: "verifier", verification.reader_id: "reader"}
    if user.pk not in roles:
        raise errors.NotAllowed("Only the two people of the call sign its record.", code="not_in_the_call")
    written = verification.records.filter(part=record.Part.CALL).first()
    if written is None:
        raise errors.Conflict("The call has no record yet.", code="no_record")
    fingerprint, block = _checked(record.canonical(written.document), signature, key_block, now)
    with transaction.atomic():
        call = hold_call(verification)
        if call.signatures.filter(user=user).exists():
            raise errors.Conflict("You have signed this record already.", code="already_signed")
        signed = VerificationSignature.objects.create(
            verification=call,
            user=user,
            role=roles[user.pk],
            signature=signature.strip() + "\n",
            key_block=block,
            fingerprint=fingerprint,
            in_directory=Contact.objects.filter(
                membership__user=user, openpgp_fingerprint=fingerprint, retired_at=None
            ).exists(),
            at=now,
        )
        tell("signed", request=call.request, call=call, actor=actor, now=now, role=signed.role, key=fingerprint)
    return signed


def _checked(document: bytes, signature: str, key_block: str, now: datetime) -> tuple[str, str]:
    try:
        facts = keys.read_public_key(key_block.encode(), now=now)
        ring = [verify.RingKey(facts.fingerprint, facts.public_block)]
        report = verify.check_detached(content=document, signature=signature.encode(), ring=ring, now=now)
        verdicts.count("verification", report)
    except ToolMissing as problem:
        raise errors.Unavailable(problem.sentence, code=problem.code, fix=problem.fix) from problem
    except SecretKeyFound as problem:
        # Not chained: the error must not carry any part of what was sent.
        raise errors.Invalid(problem.sentence, code=problem.code, fix=problem.fix) from None
    except OpenPgpError as problem:
        raise errors.Invalid(
            problem.sentence, code=problem.code, fix=problem.fix, fields={"key_block": [problem.sentence]}
        ) from problem
    if not report.is_good:
        fix = "Sign the downloaded JSON file as it is: gpg --armor --detach-sign FILE"
        raise errors.Invalid(
            report.sentence,
            code=f"signature_{report.verdict.value}",
            fix=fix,
            fields={"signature": [f"{report.sentence} {fix}"]},
        )
    return facts.fingerprint, facts.public_block.decode("ascii")
