"""Trying a chain against a version: does it verify, for which use, and which certificate decides?"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from portal import errors
from trust.pki.certificates import Unreadable, read_certificate
from trust.pki.findings import refuses
from trust.pki.pem import read_pem
from trust.pki.secrets_scan import scan
from trust.stores import queries, rules, trying
from trust.stores.models import StoreEntry, StoreVersion

MOST_IN_CHAIN = 20


@dataclass(frozen=True)
class Checked:
    """What came of trying a chain. ``decided_by`` is the SHA-256 of the anchor that was reached, or empty.

    ``accepted`` says that OpenSSL and cryptography both accept the chain for at least one use.
    """

    version: int
    accepted: bool
    decided_by: str
    sentence: str
    readings: list[trying.Reading]


def check(version: StoreVersion, text: str, at: datetime) -> Checked:
    """Try a PEM chain, the service's own certificate first, against one version at one moment.

    Raises Invalid for what is no chain, and at once for a private key, which is neither kept nor shown.
    """
    chain = read_chain(text)
    entries = list(queries.entries(version))
    anchors = [_read(entry) for entry in entries if entry.role == rules.ANCHOR]
    below = [_read(entry) for entry in entries if entry.role != rules.ANCHOR]
    try:
        readings = trying.readings(chain, anchors, below, at)
    except OSError as error:
        raise errors.Unavailable("openssl is missing, so chains cannot be tried.", code="openssl_missing") from error
    return _judged(version, readings)


def read_chain(text: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text in their order. Raises Invalid."""
    content = text.encode("utf-8", "replace")
    if not scan(content).clean:
        raise _unusable("There may be a private key in it. It was not kept; treat the key as exposed.", "private_key")
    reading = read_pem(content)
    if refuses(reading.findings) or not reading.blocks:
        raise _unusable("This is no PEM chain: paste blocks that begin with BEGIN CERTIFICATE.", "no_chain")
    if len(reading.blocks) > MOST_IN_CHAIN:
        raise _unusable(f"A chain has at most {MOST_IN_CHAIN} certificates.", "chain_too_long")
    try:
        # Ours first: it is strict where the library is lazy.
        ders = [read_certificate(block.der).der for block in reading.blocks]
        return [x509.load_der_x509_certificate(der) for der in ders]
    except (Unreadable, ValueError) as error:
        raise _unusable("One of the blocks is no certificate that can be read.", "unreadable_certificate") from error


def number_asked(text: str, current: int) -> int:
    """Return the version that a query asks for, the current one by default. Raises Invalid."""
    if not text:
        return current
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise errors.Invalid("The version is a number.", fields={"version": ["Send a number, like 7."]})
    return int(text)


def _unusable(sentence: str, code: str) -> errors.Invalid:
    return errors.Invalid(sentence, code=code, fields={"chain": [sentence]})


def _read(entry: StoreEntry) -> x509.Certificate:
    return x509.load_der_x509_certificate(bytes(entry.certificate.der))


def _judged(version: StoreVersion, readings: list[trying.Reading]) -> Checked:
    uses = [use for use in trying.USES if all(each.accepted for each in readings if each.use == use)]
    anchor = next((each.anchor for each in readings if each.anchor and each.use in uses), b"")
    if uses:
        sentence = f"It verifies under v{version.number} for {' and '.join(uses)}."
    elif any(each.accepted for each in readings):
        sentence = f"OpenSSL and cryptography do not agree about it under v{version.number}: expect trouble."
    else:
        sentence = f"It does not verify under v{version.number}: {readings[1].reason or readings[0].reason}."
    return Checked(
        version=version.number,
        accepted=bool(uses),
        decided_by=hashlib.sha256(anchor).hexdigest() if anchor else "",
        sentence=sentence,
        readings=readings,
    )
