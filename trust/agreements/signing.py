"""Checking an organization's signature over an agreement's bytes."""

from datetime import datetime

from portal import errors
from portal.organizations.models import Organization
from trust import verdicts
from trust.keys import queries as keys
from trust.pki import limits, secrets_scan
from trust.pki.openpgp import clearsign, verify
from trust.pki.openpgp.errors import OpenPgpError
from trust.pki.openpgp.verdicts import SignatureReport

_MESSAGE = b"-----BEGIN PGP MESSAGE-----"


def checked(*, document: bytes, upload: bytes, organization: Organization, now: datetime) -> SignatureReport:
    """Return the report of a good signature by one of the organization's own keys over exactly ``document``.

    Only that organization's keys are in the ring, so the signature of anybody else is one of an unknown key. Raises Invalid
    (``signature_`` and the verdict), TooLarge, and Unavailable when gpgv cannot be run.
    """
    if len(upload) > limits.SIGNATURE_BYTES + 2 * len(document):
        raise errors.TooLarge("The signature file is too large.", fix="Upload what gpg wrote, and nothing else.")
    try:
        report = verdicts.count("agreement", _report(document, upload, organization, now))
    except OpenPgpError as problem:
        raise errors.Unavailable(problem.sentence, code=problem.code, fix=problem.fix) from problem
    if not report.is_good:
        sentence, fix = keys.explain(organization, report)
        raise errors.Invalid(
            sentence, code=f"signature_{report.verdict.value}", fix=fix, fields={"signature": [sentence]}
        )
    # Clearsigning ends the text with a line feed that is not part of the document (RFC 9580 section 7.1).
    content = report.content or b""
    if content != document and not (report.form == "clearsigned" and content == document + b"\n"):
        raise errors.Invalid(
            "The signature is good, but for other bytes than this version's.",
            code="signature_other_document",
            fix="Download the document from this page and sign that file.",
            fields={"signature": ["It is over other bytes than this version's."]},
        )
    return report


def refuse_private_keys(text: str, *, field: str) -> None:
    """Raise Invalid when a text that people typed holds a private key; the text is neither kept nor shown again."""
    if secrets_scan.scan(text.encode()).secrets:
        sentence = "There is a private key in this text. Treat it as exposed: revoke it and make a new one."
        raise errors.Invalid(sentence, code="private_key_found", fields={field: [sentence]})


def _report(document: bytes, upload: bytes, organization: Organization, now: datetime) -> SignatureReport:
    ring = keys.ring_for(organization, now=now)
    if clearsign.is_clearsigned(upload) or upload.lstrip().startswith(_MESSAGE):
        return verify.check(content=upload, signature=None, ring=ring, now=now)
    return verify.check(content=document, signature=upload, ring=ring, now=now)
