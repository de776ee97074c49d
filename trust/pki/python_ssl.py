"""Python's own ssl module as a reader of anchors. Run in a child (`trust.pki.bounded`): it reads with OpenSSL, in C."""

from __future__ import annotations

import platform
import ssl
from collections.abc import Sequence


def load(anchors: Sequence[bytes]) -> tuple[int, str]:
    """Load DER anchors as a client would; return how many it counts as CAs, and what it is: "Python 3.11.7, OpenSSL 3.0.19".

    Anchors that it cannot load count as none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    words = ssl.OPENSSL_VERSION.split(" ")
    name = f"Python {platform.python_version()}, {' '.join(words[:2])}"
    try:
        context.load_verify_locations(cadata=b"".join(anchors))
    except (ssl.SSLError, ValueError):
        return 0, name
    return context.cert_store_stats()["x509_ca"], name


def cas(certificates: Sequence[bytes]) -> frozenset[bytes] | None:
    """Load DER certificates as a client would, and return those that it counts as CAs; None when it cannot parse them all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # As PEM: an error that OpenSSL remembers of the certificate before would fail the next one that comes as DER.
    text = "".join(ssl.DER_cert_to_PEM_cert(der) for der in certificates)
    try:
        if text:
            context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        return None
    return frozenset(context.get_ca_certs(binary_form=True))
