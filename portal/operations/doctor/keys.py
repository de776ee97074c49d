"""The keys that the portal itself holds: whether they open what they sealed, and belong to what they sign."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from allauth.mfa.models import Authenticator
from cryptography import x509
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.conf import settings

from notifications.mail import keys as mail_keys
from notifications.mail.models import MailKey
from notifications.webhooks.models import EndpointKey, WebhookEndpoint
from portal import sealing
from portal.operations import rules as readiness
from portal.operations.doctor.rules import Finding, warning, well, wrong
from trust.stores.tuf import checking as tuf_keys
from trust.stores.tuf import queries as tuf
from trust.stores.tuf.models import TufRepository

# Of each kind of sealed text the oldest and the newest so many are opened: old ones are what a lost key leaves closed.
EACH_END = 100
_FIX = "Put the key that sealed them back into FIELD_ENCRYPTION_KEYS, behind the newest; without it they are lost."


def usable() -> Finding:
    """Judge the keys in FIELD_ENCRYPTION_KEYS by themselves; asks no database."""
    keys = settings.FIELD_ENCRYPTION_KEYS
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        fix = "Each key is 32 random bytes in URL-safe base64, several are separated by commas; scripts/make-secrets makes one."
        return wrong("encryption keys", "FIELD_ENCRYPTION_KEYS has something that is no key.", fix)
    return well("encryption keys", f"{len(keys)} can be used.")


def check(now: datetime) -> Iterator[Finding]:
    """Yield what is found about sealed texts and the keys of signed stores."""
    yield _sealed()
    yield _signing()
    judged = readiness.signed_stores(tuf.alarming(now), tuf.unsigned_roots(), now)
    if not judged.passed:
        fix = "Run the job trust.stores.sign_again (a worker and the scheduler do), or manage.py tuf_root for roots."
        yield wrong("signed stores", judged.said, fix)
    elif "root" in judged.said:
        yield warning("signed stores", judged.said, "Have the root signed with the offline keys: manage.py tuf_root.")
    else:
        yield well("signed stores", judged.said)


def client_certificate(now: datetime) -> Finding | None:
    """Judge the certificate with which webhooks are sent, or return None when there is none."""
    certificate, key = settings.WEBHOOK_CLIENT_CERTIFICATE, settings.WEBHOOK_CLIENT_KEY
    if not certificate and not key:
        return None
    name = "client certificate"
    try:
        shown = x509.load_pem_x509_certificate(Path(certificate).read_bytes())
        held = load_pem_private_key(Path(key).read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        fix = "WEBHOOK_CLIENT_CERTIFICATE and WEBHOOK_CLIENT_KEY are two PEM files that the portal's user can read."
        return wrong(name, f"It cannot be read: {type(error).__name__}.", fix)
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if shown.public_key().public_bytes(*form) != held.public_key().public_bytes(*form):
        return wrong(name, "Certificate and key do not belong together.", "Bring the key that the certificate is for.")
    ends = shown.not_valid_after_utc
    if ends <= now.astimezone(UTC):
        return wrong(name, f"It ended on {ends:%Y-%m-%d}.", "Renew it, and restart the workers.")
    if (ends - now).days < 14:
        return warning(name, f"It ends on {ends:%Y-%m-%d}.", "Renew it, and restart the workers.")
    return well(name, f"It belongs to its key and ends on {ends:%Y-%m-%d}.")


def mail_key(now: datetime) -> Finding:
    """Judge the OpenPGP key with which the portal signs its mail."""
    name, key = "mail key", mail_keys.in_force(now)
    if key is None:
        return warning(name, "There is none, so mail goes out unsigned.", "Make one: manage.py mail_key --new.")
    if (key.expires_at - now).days < 30:
        return warning(name, f"It ends on {key.expires_at:%Y-%m-%d}.", "Make the next one: manage.py mail_key --new.")
    return well(name, f"{key.fingerprint.upper()} until {key.expires_at:%Y-%m-%d}.")


def _sealed() -> Finding:
    totp = Authenticator.objects.filter(type=Authenticator.Type.TOTP).order_by("pk")
    kinds: dict[str, Iterable[str]] = {
        "second factors": _ends(totp.values_list("data__secret", flat=True)),
        "webhook keys": _ends(EndpointKey.objects.order_by("created_at").values_list("secret_sealed", flat=True)),
        "mail keys": _ends(MailKey.objects.order_by("created_at").values_list("private_sealed", flat=True)),
        "webhook tokens": _ends(
            WebhookEndpoint.objects.exclude(bearer_token_sealed="")
            .order_by("created_at")
            .values_list("bearer_token_sealed", flat=True)
        ),
        "keys of signed stores": _ends(
            TufRepository.objects.order_by("created_at").values_list("sealed_keys", flat=True)
        ),
    }
    opened, closed = 0, {}
    for kind, texts in kinds.items():
        tried = [_opens(text, sealing.unseal) for text in texts]
        opened += sum(tried)
        if not all(tried):
            closed[kind] = tried.count(False)
    if closed:
        said = ", ".join(f"{count} {kind}" for kind, count in closed.items())
        return wrong("sealed texts", f"No key opens {said}.", _FIX)
    return well("sealed texts", f"{opened} tried, and all can be opened.")


def _ends(rows) -> list[str]:  # type: ignore[no-untyped-def]
    first = list(rows[:EACH_END])
    return first if len(first) < EACH_END else [*first, *rows.reverse()[:EACH_END]]


def _opens(text: str, unseal: Callable[[str], str]) -> bool:
    try:
        unseal(text)
    except (InvalidToken, ValueError):
        return False
    return True


def _signing() -> Finding:
    name = "signing keys"
    try:
        checked, strangers = tuf_keys.strangers()
    except InvalidToken:
        return wrong(name, "They cannot be opened; see sealed texts.", _FIX)
    if strangers:
        said = f"The root does not know the keys with which these stores are signed: {', '.join(strangers[:5])}."
        fix = "Restore the database from a backup in one piece, or make new keys and have a root signed: manage.py tuf_root."
        return wrong(name, said, fix)
    return well(name, f"Those of {checked} stores are the ones that their roots name.")
