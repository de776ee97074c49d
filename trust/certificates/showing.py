"""How a certificate is shown, and what other features add to its page.

Stores, notices and revocations stand above certificates, so they cannot be asked from here: they register what they have
to say about a certificate when the app is ready.
"""

import base64
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from portal import words
from portal.organizations.models import Organization
from trust.certificates.models import Certificate


@dataclass(frozen=True)
class Related:
    """One line on a certificate's page: where it is trusted, or what was said about it. ``state`` as in `portal.states`."""

    group: str
    label: str
    url: str = ""
    state_kind: str = ""
    state: str = ""
    at: datetime | None = None


Provider = Callable[[Organization, Certificate, datetime], list[Related]]
_providers: list[Provider] = []


def add(provider: Provider) -> None:
    """Let ``provider`` say what else there is about a certificate, for one organization."""
    if provider not in _providers:
        _providers.append(provider)


def related(organization: Organization, certificate: Certificate, now: datetime) -> dict[str, list[Related]]:
    """Return what other features say about a certificate, by group, in the order in which they were added."""
    groups: dict[str, list[Related]] = {}
    for provider in _providers:
        for each in provider(organization, certificate, now):
            groups.setdefault(each.group, []).append(each)
    return groups


def pem_of(certificate: Certificate) -> str:
    """Return the certificate as one PEM block (RFC 7468 5)."""
    lines = textwrap.wrap(base64.b64encode(bytes(certificate.der)).decode(), 64)
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def text_of(certificate: Certificate) -> list[tuple[str, str]]:
    """Return label and value of everything that the certificate says, for the details block."""
    facts = certificate.facts
    rows = (
        ("Subject", certificate.subject),
        ("Issuer", certificate.issuer),
        ("Serial number (hex)", words.spaced(certificate.serial)),
        ("Public key", certificate.key_algorithm),
        ("Signature", certificate.signature_algorithm),
        ("CA", ("yes" if certificate.is_ca else "no") + _path_length(facts.get("path_length"))),
        ("Key usage", ", ".join(map(_usage, facts.get("key_usage", ())))),
        ("Purposes", ", ".join(facts.get("extended_key_usage", ()))),
        ("Other names", ", ".join(facts.get("alternative_names", ()))),
        ("Allowed names", ", ".join(facts.get("permitted_names", ()))),
        ("Forbidden names", ", ".join(facts.get("excluded_names", ()))),
        ("CRL", ", ".join(facts.get("crl_urls", ()))),
        ("OCSP", ", ".join(facts.get("ocsp_urls", ()))),
        ("Subject key identifier", words.spaced(facts.get("subject_key_identifier") or "")),
        ("Authority key identifier", words.spaced(facts.get("authority_key_identifier") or "")),
    )
    return [(label, value) for label, value in rows if value]


def _usage(name: str) -> str:
    """Return a key usage by its name in RFC 5280 4.2.1.3, as openssl and the agreement's readers know it."""
    first, *others = name.split("_")
    return "cRLSign" if name == "crl_sign" else first + "".join(each.capitalize() for each in others)


def _path_length(value: int | None) -> str:
    return "" if value is None else f", path length {value}"
