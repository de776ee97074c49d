"""What the portal says of itself to the outside, and the servers that it needs there: mail, address, HTTPS."""

import os
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from smtplib import SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import run_checks
from django.core.mail import get_connection
from django.http.request import validate_host

from portal.operations.doctor.rules import Finding, warning, well, wrong

PATIENCE = 5  # seconds
_LOCAL = {"localhost", "127.0.0.1", "::1"}
_NOWHERE = ("console", "dummy", "locmem")


def check(now: datetime) -> Iterator[Finding]:
    """Yield what is found about the address, HTTPS, mail, and Django's own advice for deployments."""
    yield _address()
    yield _https(now)
    yield _mail()
    yield _advice()


def _address() -> Finding:
    name, shown = "address", settings.BASE_URL
    parts = urlsplit(shown)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return wrong(name, f"BASE_URL is {shown!r}.", "Set it to where people open the portal: https://portal.example")
    if parts.path or parts.query or parts.fragment:
        return wrong(
            name, f"BASE_URL is {shown}, which has more than scheme and name.", "Leave out everything after the name."
        )
    if not validate_host(f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname, settings.ALLOWED_HOSTS):
        said = f"The portal refuses its own address {shown}."
        return wrong(name, said, f"Add {parts.hostname} to ALLOWED_HOSTS.")
    if (parts.scheme == "https") != settings.HTTPS:
        said = f"BASE_URL is {shown} and HTTPS is {'on' if settings.HTTPS else 'off'}."
        return wrong(name, said, "Set both alike: cookies, redirects and the links in mails follow them.")
    if not settings.EMBEDDED and parts.hostname in _LOCAL:
        return warning(name, f"Links in mails lead to {shown}.", "Set BASE_URL to the name that partners can open.")
    return well(name, f"{shown} is one of the portal's names.")


def _https(now: datetime) -> Finding:
    name, parts = "https", urlsplit(settings.BASE_URL)
    if not settings.HTTPS:
        said = "Off. That is fine on one machine, for trying."
        return (
            well(name, said) if settings.EMBEDDED else wrong(name, "Off.", "Set HTTPS=true and BASE_URL to https://…")
        )
    if parts.scheme != "https" or not parts.hostname:
        return wrong(name, "BASE_URL is no https address.", "See address.")
    context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), timeout=PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secured,
        ):
            certificate = secured.getpeercert() or {}
    except ssl.SSLError as error:
        why = getattr(error, "verify_message", "") or error.reason or "the handshake failed"
        return wrong(
            name, f"Browsers refuse {settings.BASE_URL}: {why}.", "Bring a certificate for this name, with its chain."
        )
    except OSError as error:
        said = f"{settings.BASE_URL} cannot be reached from here: {error.strerror or type(error).__name__}."
        return warning(name, said, "Look whether nginx runs; ask again from outside if this machine may not reach it.")
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    if ends - now < timedelta(days=14):
        return warning(name, f"The certificate ends on {ends:%Y-%m-%d}.", "Renew it, and reload nginx.")
    return well(name, f"The certificate is good until {ends:%Y-%m-%d}.")


def _mail() -> Finding:
    name = "mail"
    kind = settings.EMAIL_BACKEND.rpartition(".")[0].rpartition(".")[2]
    if kind in _NOWHERE:
        return warning(
            name, f"Mail goes nowhere ({kind}).", "Set EMAIL_URL, such as smtp+tls://user:password@mail.example:587."
        )
    if kind == "filebased":
        said = f"Mail is written to {settings.EMAIL_FILE_PATH} and sent to nobody."
        if settings.EMBEDDED:
            return well(name, said)
        return warning(name, said, "Set EMAIL_URL, such as smtp+tls://user:password@mail.example:587.")
    server = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    connection = get_connection(timeout=PATIENCE)
    try:
        connection.open()
        connection.close()
    except (OSError, SMTPException) as error:
        code = f" ({error.smtp_code})" if hasattr(error, "smtp_code") else ""
        said = f"{server} does not take our mail: {type(error).__name__}{code}."
        return wrong(name, said, "Compare EMAIL_URL with the mail server: name, port, TLS, user and password.")
    return well(name, f"{server} answers and lets us in.")


def _advice() -> Finding:
    name = "settings"
    if settings.EMBEDDED:
        return well(name, "The embedded profile, for one machine.")
    found = [each.id for each in run_checks(include_deployment_checks=True) if each.is_serious() or each.level >= 30]
    if settings.DEBUG:
        return wrong(name, "DEBUG is on: error pages show settings and code.", "Unset DEBUG.")
    if found:
        return warning(
            name, f"Django has advice: {', '.join(sorted(map(str, found)))}.", "Run: manage.py check --deploy"
        )
    if settings.OPERATOR_EMAIL.endswith("@localhost"):
        return warning(
            name, "Nobody is named as the operator.", "Set OPERATOR_EMAIL: partners see it when they need help."
        )
    return well(name, "Django's checks for deployments find nothing.")
