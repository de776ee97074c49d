"""The roots of the public web, so that nobody offers one as a private root by mistake or on purpose."""

from __future__ import annotations

import hashlib
from functools import cache

import certifi

from trust.pki.pem import read_pem

# Owners of public roots. A private CA with such a name misleads whoever reads it.
_OWNERS = (
    "digicert",
    "sectigo",
    "comodo",
    "usertrust",
    "globalsign",
    "let's encrypt",
    "isrg",
    "entrust",
    "godaddy",
    "go daddy",
    "starfield",
    "identrust",
    "quovadis",
    "buypass",
    "actalis",
    "certum",
    "google trust services",
    "amazon root",
    "verisign",
    "thawte",
    "geotrust",
    "symantec",
    "ssl.com",
    "swisssign",
    "harica",
    "microsoft ecc root",
)


@cache
def public_root_fingerprints() -> frozenset[str]:
    """Return the SHA-256 (lower-case hex) of each root in Mozilla's list as shipped with certifi."""
    reading = read_pem(certifi.contents().encode("utf-8"))
    return frozenset(hashlib.sha256(block.der).hexdigest() for block in reading.blocks)


def sounds_public(name: str) -> bool:
    """Tell whether a raw name contains that of an owner of public roots."""
    folded = name.casefold()
    return any(owner in folded for owner in _OWNERS)
