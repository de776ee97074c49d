"""Refusing uploads with a private key inside, before anything of them is kept."""

from datetime import datetime

from django.db import transaction

from portal import errors
from portal.audit.models import Event as AuditEvent
from portal.audit.services import record
from portal.organizations.acting import Actor
from trust.keys import rules
from trust.keys.models import OpenPgpKey
from trust.keys.reading import private_key_refusal
from trust.keys.rules import Event
from trust.pki.openpgp.errors import SecretKeyFound
from trust.pki.openpgp.keys import refuse_secret_keys
from trust.pki.secrets_scan import scan

_SUBJECT = "exposed_openpgp_key"


def refuse_private_keys(upload: bytes, *, actor: Actor, now: datetime) -> None:
    """Pass if there is no private key anywhere in ``upload``.

    Otherwise only the time, the person, the kind and a digest of the *public* fingerprint are recorded, so that the same key
    is refused for ever. Raises Invalid with the code ``private_key_found``.
    """
    try:
        refuse_secret_keys(upload)
    except SecretKeyFound as found:
        _refuse(found.kind, found.line, found.fingerprint, actor=actor, now=now)
    secrets = scan(upload).secrets
    if secrets:
        _refuse(secrets[0].kind, secrets[0].line, None, actor=actor, now=now)


def refuse_exposed(fingerprint: str) -> None:
    """Pass if the private half of this key was never sent here, by anybody. Raises Invalid otherwise."""
    seen = AuditEvent.objects.filter(
        kind=Event.PRIVATE_KEY_REFUSED, subject_kind=_SUBJECT, subject_id=rules.fingerprint_digest(fingerprint)
    )
    if seen.exists():
        raise errors.Invalid(
            "The private half of this key was once uploaded here, so the key is exposed.",
            code="key_exposed",
            fix="Revoke it and make a new key.",
            fields={"block": ["The private half of this key was once uploaded here. Make a new key."]},
        )


def _refuse(kind: str, line: int | None, fingerprint: str | None, *, actor: Actor, now: datetime) -> None:
    assert actor.organization is not None
    digest = rules.fingerprint_digest(fingerprint) if fingerprint else ""
    own = OpenPgpKey.objects.filter(organization=actor.organization, fingerprint=fingerprint or "").exists()
    # A transaction of its own: the refusal that follows must not take the record back.
    with transaction.atomic():
        record(
            Event.PRIVATE_KEY_REFUSED,
            now=now,
            actor=actor,
            organization_id=actor.organization.pk,
            subject=(_SUBJECT, digest),
            data={"kind": kind, "registered": own},
        )
    raise private_key_refusal(kind=kind, line=line, own=own)
