"""The portal's intake key, and opening what was encrypted to it. Off by default: the setting ENCRYPTED_INTAKE."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pysequoia
from django.conf import settings
from django.db import transaction

from portal import errors, sealing
from trust.pki.codes import finding
from trust.pki.findings import Finding
from trust.pki.openpgp import envelope
from trust.pki.openpgp.errors import ToolMissing
from trust.pki.secrets_scan import ScanReport
from trust.submissions.checking import Checked, Upload
from trust.submissions.models import IntakeKey

LIFETIME = timedelta(days=3 * 365)
# What was encrypted just before the key changed is still opened.
OPENS_AFTER_RETIREMENT = timedelta(days=30)


@transaction.atomic
def new_key(*, now: datetime) -> IntakeKey:
    """Make the portal's next intake key and retire the one before, which opens what is under way for 30 more days.

    In the format that every OpenPGP program reads (version 4, RFC 4880). Its private part is sealed at once.
    """
    made = pysequoia.Tsk.generate(
        user_id=f"Intake of {settings.BASE_URL}",
        profile=pysequoia.Profile.RFC4880,
        validity_seconds=int(LIFETIME.total_seconds()),
    )
    public = made.extract_certificate()
    assert public.expiration is not None
    IntakeKey.objects.filter(retired_at=None).update(retired_at=now)
    return IntakeKey.objects.create(
        fingerprint=public.fingerprint,
        public_block=str(public),
        private_sealed=sealing.seal(str(made)),
        created_at=now,
        expires_at=public.expiration.astimezone(UTC),
    )


def current_key(now: datetime) -> IntakeKey | None:
    """Return the key that partners encrypt to now; None while encrypted files are not taken."""
    if not settings.ENCRYPTED_INTAKE:
        return None
    return IntakeKey.objects.filter(retired_at=None, expires_at__gt=now).first()


def opened(upload: Upload, *, now: datetime) -> tuple[Upload, Checked | None]:
    """Return the upload with its encryption taken off; and, where that cannot be done, the refusal. Others come back as they are.

    Nothing is judged here: what comes out goes the way of any upload, and only that is kept. Raises Unavailable.
    """
    if not envelope.is_encrypted(upload.content):
        return upload, None
    if current_key(now) is None:
        return upload, _refused(finding("encrypted_off"))
    if upload.signature is not None:
        return upload, _refused(finding("encrypted_with_signature"))
    try:
        content = envelope.unwrap(upload.content, secret_keys=_secret_keys(now), at_most=settings.UPLOAD_MAX_BYTES)
    except envelope.CannotOpen as problem:
        return upload, _refused(finding("encrypted_not_taken", reason=problem))
    except ToolMissing as error:
        raise errors.Unavailable(
            "Encrypted files cannot be opened right now, so nothing was taken.",
            code="envelope_unavailable",
            fix="Upload it signed and not encrypted, or try again later. The portal's operator was told.",
        ) from error
    return replace(upload, content=content, was_encrypted=True), None


def _refused(why: Finding) -> Checked:
    # Nobody has looked inside, so nothing of it may be kept.
    return Checked((why,), ScanReport((), ("the encrypted file was not opened",)))


def _secret_keys(now: datetime) -> list[bytes]:
    usable = IntakeKey.objects.filter(retired_at=None) | IntakeKey.objects.filter(
        retired_at__gt=now - OPENS_AFTER_RETIREMENT
    )
    return [sealing.unseal(each.private_sealed).encode() for each in usable]
