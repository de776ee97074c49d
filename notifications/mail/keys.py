"""The portal's own mail key, and the keys that mail to people is encrypted to."""

import logging
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction

from notifications.mail import openpgp
from notifications.mail.models import MailKey, RecipientKey
from portal import errors, sealing
from portal.audit import services as audit
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.models import User
from portal.organizations.rules import Right
from portal.partnerships.models import Contact
from trust.pki.openpgp import keys as reading
from trust.pki.openpgp.errors import OpenPgpError
from trust.pki.openpgp.key_codes import Severity
from trust.pki.openpgp.key_facts import KeyFacts

# A key for mail need not sign anything, so what is only about signing does not keep it out.
ONLY_FOR_SIGNING = frozenset({"key_cannot_sign", "key_subkey_not_confirmed"})
MAX_BLOCK = 64 * 1024  # characters
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SigningKey:
    """The key that signs a mail. Held as long as a batch of mail."""

    fingerprint: str
    private_block: str


def signing_key(now: datetime) -> SigningKey | None:
    """Return the newest mail key in force, opened, or None when the portal has none: then mail goes out unsigned.

    One that cannot be opened counts as none: an alarm without a signature is better than no alarm. The doctor says so.
    """
    found = in_force(now)
    if found is None:
        return None
    try:
        return SigningKey(found.fingerprint, sealing.unseal(found.private_sealed))
    except InvalidToken:
        logger.exception("The mail key cannot be opened, so mail goes out unsigned: look at FIELD_ENCRYPTION_KEYS.")
        return None


def in_force(now: datetime) -> MailKey | None:
    """Return the mail key with which the portal signs at ``now``, or None."""
    return MailKey.objects.filter(retired_at=None, expires_at__gt=now).first()


def published() -> list[MailKey]:
    """Return every key that ever signed mail, the newest first: old mail can be checked as well."""
    return list(MailKey.objects.all())


@transaction.atomic
def make(*, now: datetime) -> MailKey:
    """Make a new mail key and sign with it from now on. Earlier ones stay published and are retired."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    made = openpgp.make_key(f"{name} <{address}>" if name else address)
    for earlier in MailKey.objects.filter(retired_at=None):
        MailKey.objects.filter(pk=earlier.pk).update(retired_at=now)
        _record("mail.key_retired", earlier.fingerprint, now)
    key = MailKey.objects.create(
        fingerprint=made.fingerprint,
        public_block=made.public_block,
        private_sealed=sealing.seal(made.private_block),
        created_at=now,
        expires_at=made.expires_at,
    )
    _record("mail.key_made", key.fingerprint, now)
    return key


def make_once(*, now: datetime) -> MailKey:
    """Return the mail key in force, making one if there is none."""
    return in_force(now) or make(now=now)


def _record(kind: str, fingerprint: str, now: datetime) -> None:
    audit.record(
        kind, now=now, actor=acting.PORTAL, subject=("mail_key", fingerprint), data={"fingerprint": fingerprint}
    )


# --- Keys of recipients. ---
def of_user(user: User) -> RecipientKey | None:
    """Return the key to which mail to a person is encrypted, or None."""
    return RecipientKey.objects.filter(user=user).first()


def of_contact(contact: Contact) -> RecipientKey | None:
    """Return the key to which mail to a contact without a login is encrypted, or None."""
    return RecipientKey.objects.filter(contact=contact).first()


@transaction.atomic
def set_own(*, actor: Actor, block: str, now: datetime) -> RecipientKey:
    """Encrypt mail to the acting person to this public key from now on.

    With a fresh second factor: whoever takes over a session could make every alarm unreadable. Raises Invalid for a key that
    cannot be used, and StepUpRequired.
    """
    user = actor.require_person(Right.READ)
    return _set(actor, {"user": user}, user.name, block, now)


@transaction.atomic
def set_for_contact(*, contact: Contact, actor: Actor, block: str, now: datetime) -> RecipientKey:
    """Encrypt mail to a contact of the own directory. Raises Invalid, NotAllowed, and NotFound for somebody else's contact."""
    actor.require_person(Right.EDIT_CONTACTS)
    if contact.organization_id != actor.require(Right.EDIT_CONTACTS).pk:
        raise errors.NotFound()
    return _set(actor, {"contact": contact}, contact.name, block, now)


@transaction.atomic
def remove(*, key: RecipientKey, actor: Actor, now: datetime) -> None:
    """Send mail to the key's owner signed and unencrypted from now on."""
    if key.user_id is not None:
        if actor.require_person(Right.READ).pk != key.user_id:
            raise errors.NotFound()
    elif key.contact is None or key.contact.organization_id != actor.require(Right.EDIT_CONTACTS).pk:
        raise errors.NotFound()
    recipient = key.user.name if key.user else key.contact.name if key.contact else ""
    _record_for(actor, "mail.recipient_key_removed", key.fingerprint, recipient, now)
    key.delete()


def _set(actor: Actor, owner: dict, recipient: str, block: str, now: datetime) -> RecipientKey:
    facts = read(block, now=now)
    key, _ = RecipientKey.objects.update_or_create(
        **owner,
        defaults={
            "fingerprint": facts.fingerprint,
            "block": facts.public_block.decode("ascii"),
            "expires_at": facts.expires_at,
            "added_at": now,
            "added_by_label": actor.label[:200],
        },
    )
    _record_for(actor, "mail.recipient_key_added", facts.fingerprint, recipient, now)
    return key


def _record_for(actor: Actor, kind: str, fingerprint: str, recipient: str, now: datetime) -> None:
    audit.record(
        kind,
        now=now,
        actor=actor,
        organization_id=actor.organization.pk if actor.organization else None,
        subject=("recipient_key", fingerprint),
        data={"fingerprint": fingerprint, "recipient": recipient},
    )


def read(block: str, *, now: datetime) -> KeyFacts:
    """Return the facts of an armored public key to which mail can be encrypted at ``now``.

    Raises Invalid for anything else; a private key is refused before anything of it is kept.
    """
    if not block.strip() or len(block) > MAX_BLOCK or not block.isascii():
        raise _refused("Paste one armored public key of at most 64 kB.")
    try:
        facts = reading.read_public_key(block.encode(), now=now)
    except OpenPgpError as problem:
        raise _refused(problem.sentence, problem.fix, code=problem.code) from problem
    for finding in facts.findings:
        if finding.severity is Severity.REFUSE and finding.code not in ONLY_FOR_SIGNING:
            raise _refused(finding.sentence, finding.fix, code=finding.code)
    try:
        openpgp.encrypt(b"Can this be read?", to=facts.public_block.decode("ascii"), private_block=None)
    except openpgp.CannotEncrypt as problem:
        raise _refused(
            "Nothing can be encrypted to this key.",
            "Add a part for encryption with `gpg --quick-add-key FINGERPRINT cv25519 encr`, then export it again.",
            code="key_cannot_encrypt",
        ) from problem
    return facts


def _refused(sentence: str, fix: str = "", *, code: str = "recipient_key") -> errors.Invalid:
    return errors.Invalid(sentence, code=code, fix=fix, fields={"block": [f"{sentence} {fix}".strip()]})
