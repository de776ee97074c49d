"""Whether OpenSSL, which most services read their trust stores with, takes a certificate for that of a CA.

It reads less than our own reader: a name with a VisibleString makes it refuse the whole certificate, and one extension that it
cannot decode makes it drop a CA without a word. What it refuses is not listed here but asked, of the same OpenSSL that reads
each store again before it is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trust.pki import der as tlv
from trust.pki import python_ssl
from trust.pki.about import about
from trust.pki.certificates import CertificateFacts
from trust.pki.findings import Finding
from trust.pki.names import Name

# The kinds of value that our reader shows and OpenSSL 3 does not take in a name, by tag.
_KINDS = {4: "OCTET STRING", 23: "UTCTime", 24: "GeneralizedTime", 26: "VisibleString"}


def check_reader(certificates: Iterable[CertificateFacts]) -> Iterator[Finding]:
    """Yield what OpenSSL would not take of a store with these certificates. Reads with C: run it in a child."""
    # What is no CA at all has its own finding, and OpenSSL says the same of it.
    cas = [one for one in certificates if _may_issue(one)]
    if python_ssl.cas([one.der for one in cas]) == {one.der for one in cas}:
        return
    for one in cas:
        taken = python_ssl.cas([one.der])
        if taken is None:
            yield about(one, "openssl_refuses", reason=_why(one))
        elif one.der not in taken:
            yield about(
                one, "openssl_refuses", reason="it drops the certificate for an extension that it cannot decode"
            )


def _may_issue(one: CertificateFacts) -> bool:
    return one.version == 3 and one.is_ca and (one.key_usage is None or "key_cert_sign" in one.key_usage)


def _why(one: CertificateFacts) -> str:
    for place, name in (("subject", one.subject), ("issuer", one.issuer)):
        if kind := _unread_kind(name):
            return f"the {place} holds a value of the kind {kind}"
    return "it cannot parse the certificate"


def _unread_kind(name: Name) -> str | None:
    """Return the first kind of value in a name that OpenSSL does not take (RFC 5280 4.1.2.4 lists those that a name has)."""
    try:
        parts = tlv.read_exactly(name.der, tlv.SEQUENCE).children()
        tags = [pair.children()[-1].tag for part in parts for pair in part.children()]
    except (tlv.DerError, IndexError):
        return None
    return next((_KINDS[tag] for tag in tags if tag in _KINDS), None)
