"""The layout of a trust package (mutual TLS guide 3.2): which member is what, by its path."""

from __future__ import annotations

import re
from enum import Enum


class Role(Enum):
    """What a member of a package is for."""

    TRUST = "certificates"
    CRL = "CRL"
    SAMPLE = "sample service certificate"
    ENDPOINTS = "OCSP endpoints"
    POLICY = "policy document"
    MANIFEST = "manifest"
    LITTER = "left over by an archiver"
    UNKNOWN = "unknown"


_CERTIFICATE_FILE = r"[A-Za-z0-9][A-Za-z0-9._ -]{0,99}\.(?:pem|crt|cer|der|p7b|p7c|jwks|spiffe\.json)"
_ROLES = (
    (Role.LITTER, r"(?:.*/)?(?:\._.*|\.DS_Store|Thumbs\.db|desktop\.ini)|__MACOSX/.*"),
    (Role.SAMPLE, r"samples?/[A-Za-z0-9][A-Za-z0-9._ -]{0,99}\.(?:pem|crt|cer|der)"),
    (Role.CRL, r"(?:crl/)?[A-Za-z0-9][A-Za-z0-9._ -]{0,99}\.crl"),
    (Role.TRUST, rf"(?:certs?/|certificates/|ca/)?{_CERTIFICATE_FILE}"),
    (Role.ENDPOINTS, r"ocsp/endpoints\.json|endpoints\.json"),
    (Role.POLICY, r"policy(?:-document)?\.(?:md|txt)"),
    (Role.MANIFEST, r"manifest\.json"),
)
_PATTERNS = [(role, re.compile(pattern)) for role, pattern in _ROLES]


def role_of(path: str) -> Role:
    """Return what a member is for. One folder around the whole package is allowed, as in the guide."""
    role = _role(path)
    inner = path.partition("/")[2]
    return _role(inner) if role is Role.UNKNOWN and inner else role


def _role(path: str) -> Role:
    return next((role for role, pattern in _PATTERNS if pattern.fullmatch(path)), Role.UNKNOWN)
