"""Two validators that share no code, asked the same question about the same bytes: openssl and pyca/cryptography.

Nothing is fetched from the network, and the moment is given.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from trust.onboarding.negative_rules import CLIENT, SERVER, Opinion
from trust.pki.display import escape

_OPENSSL_SECONDS = 20
_REASONS = (
    ("certificate has expired", "expired"),
    ("certificate is not yet valid", "not_yet_valid"),
    ("certificate revoked", "revoked"),
    ("hostname mismatch", "wrong_name"),
    ("unsuitable certificate purpose", "wrong_purpose"),
    ("unsupported certificate purpose", "wrong_purpose"),
    ("unable to get certificate crl", "no_crl"),
    ("crl has expired", "no_crl"),
    ("crl signature failure", "no_crl"),
    ("crl is not yet valid", "no_crl"),
    ("unable to get local issuer certificate", "untrusted"),
    ("unable to verify the first certificate", "untrusted"),
    ("self-signed certificate", "untrusted"),
    ("unable to get issuer certificate", "untrusted"),
    ("certificate signature failure", "untrusted"),
)


class ToolMissing(Exception):
    """openssl cannot be run, so there is no answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """Would this chain be accepted? ``chain`` has the service certificate first; ``store`` is the PEM that is served."""

    store: bytes
    chain: Sequence[x509.Certificate]
    purpose: str
    now: datetime
    dns_name: str = ""
    crl: x509.CertificateRevocationList | None = None


def ask(question: Question, *, openssl: str = "openssl") -> tuple[Opinion, Opinion]:
    """Return what both say. Raises ToolMissing when openssl cannot be run."""
    return ask_openssl(question, openssl=openssl), ask_cryptography(question)


def ask_openssl(question: Question, *, openssl: str = "openssl") -> Opinion:
    """Return what ``openssl verify`` says. Raises ToolMissing."""
    with tempfile.TemporaryDirectory(prefix="verify-") as name:
        command = [openssl, *_arguments(question, Path(name))]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_OPENSSL_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolMissing("openssl cannot be run.") from error
    said = (done.stderr + done.stdout).decode("utf-8", "replace").replace(name, "")
    if done.returncode == 0:
        return Opinion("openssl", True, "", "OK")
    lowered = said.lower()
    reason = next((reason for text, reason in _REASONS if text in lowered), "other")
    error_line = next((line for line in said.splitlines() if line.startswith("error ")), said.strip())
    return Opinion("openssl", False, reason, escape(error_line, limit=200))


def _arguments(question: Question, folder: Path) -> list[str]:
    leaf, rest = question.chain[0], question.chain[1:]
    (folder / "store.pem").write_bytes(question.store)
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    arguments = ["verify", "-no-CApath", "-no-CAstore", "-CAfile", str(folder / "store.pem")]
    arguments += ["-attime", str(int(question.now.timestamp()))]
    arguments += ["-purpose", "sslserver" if question.purpose == SERVER else "sslclient"]
    if rest:
        (folder / "chain.pem").write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in rest))
        arguments += ["-untrusted", str(folder / "chain.pem")]
    if question.dns_name:
        arguments += ["-verify_hostname", question.dns_name]
    if question.crl is not None:
        (folder / "crl.pem").write_bytes(question.crl.public_bytes(Encoding.PEM))
        arguments += ["-crl_check", "-CRLfile", str(folder / "crl.pem")]
    return [*arguments, str(folder / "leaf.pem")]


def ask_cryptography(question: Question) -> Opinion:
    """Return what pyca/cryptography says; the CRL is read by us, since its verifier has none (RFC 5280 6.3)."""
    leaf = question.chain[0]
    reason = _own_reasons(question, leaf)
    if reason:
        return Opinion("cryptography", False, reason, reason)
    try:
        issuers = _verify(question, leaf)
    except VerificationError as error:
        return Opinion("cryptography", False, _reason_of(str(error)), escape(str(error), limit=200))
    except ValueError as error:
        return Opinion("cryptography", False, "other", escape(str(error), limit=200))
    reason = _revoked(question, leaf, issuers)
    return Opinion("cryptography", not reason, reason, reason or "OK")


def _own_reasons(question: Question, leaf: x509.Certificate) -> str:
    """What is asked before the chain, because the verifier reports it in words only, or not at all."""
    if question.now > leaf.not_valid_after_utc:
        return "expired"
    if question.now < leaf.not_valid_before_utc:
        return "not_yet_valid"
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    wanted = (
        x509.ExtendedKeyUsageOID.SERVER_AUTH if question.purpose == SERVER else x509.ExtendedKeyUsageOID.CLIENT_AUTH
    )
    fits = wanted in usage or x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage
    return "" if fits else "wrong_purpose"


def _verify(question: Question, leaf: x509.Certificate) -> list[x509.Certificate]:
    """Return the chain above the leaf. Raises VerificationError or ValueError."""
    certificates = x509.load_pem_x509_certificates(question.store)
    # As the usual TLS stacks do: anchors are the roots of the store, its other CAs only help to build the chain.
    roots = [each for each in certificates if each.issuer == each.subject]
    helping = [each for each in certificates if each.issuer != each.subject]
    # Private CAs do not follow the profile of the public web, so only what matters here is asked of them.
    ca = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    end = ExtensionPolicy.permit_all().require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    builder = PolicyBuilder().store(Store(roots)).time(question.now).extension_policies(ca_policy=ca, ee_policy=end)
    others = [*question.chain[1:], *helping]
    if question.purpose == CLIENT:
        return list(builder.build_client_verifier().verify(leaf, others).chain)[1:]
    name = x509.DNSName(question.dns_name)
    return list(builder.build_server_verifier(name).verify(leaf, others))[1:]


def _reason_of(text: str) -> str:
    lowered = text.lower()
    if ("subject" in lowered and "match" in lowered) or "subjectaltname" in lowered.replace(" ", ""):
        return "wrong_name"
    if "not valid at validation time" in lowered:
        return "expired"
    return "untrusted" if "candidates exhausted" in lowered else "other"


def _revoked(question: Question, leaf: x509.Certificate, issuers: Sequence[x509.Certificate]) -> str:
    if question.crl is None:
        return ""
    issuer = next((each for each in issuers if each.subject == leaf.issuer), None)
    key = issuer.public_key() if issuer is not None else None
    if key is None or question.crl.issuer != leaf.issuer or not question.crl.is_signature_valid(key):  # type: ignore[arg-type]
        return "no_crl"
    due = question.crl.next_update_utc
    if due is not None and due < question.now:
        return "no_crl"
    listed = question.crl.get_revoked_certificate_by_serial_number(leaf.serial_number)
    return "revoked" if listed is not None else ""
