"""Extensions of a certificate, as plain and escaped text (RFC 5280 4.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ExtensionOID

from trust.pki.display import escape
from trust.pki.names import read_name

OCSP = AuthorityInformationAccessOID.OCSP
CA_ISSUERS = AuthorityInformationAccessOID.CA_ISSUERS

# What the common validators process when it is critical. A critical extension outside this list makes every
# one of them reject the chain (RFC 5280 4.2).
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.FRESHEST_CRL,
    }
)
_NETSCAPE_ARC = "2.16.840.1.113730.1."
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
_PURPOSES = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CODE_SIGNING: "codeSigning",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
    ExtendedKeyUsageOID.TIME_STAMPING: "timeStamping",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
}

Kind = TypeVar("Kind", bound=x509.ExtensionType)


class Extensions:
    """The extensions of one certificate by type. Reading them may raise whatever the library raises."""

    def __init__(self, extensions: x509.Extensions) -> None:
        self._by_oid = {extension.oid: extension for extension in extensions}

    def value(self, kind: type[Kind]) -> Kind | None:
        """Return the extension of this type, or None if it is absent."""
        extension = self._by_oid.get(kind.oid)
        return extension.value if extension else None

    def critical(self, kind: type[x509.ExtensionType]) -> bool:
        """Tell whether the extension is there and critical."""
        extension = self._by_oid.get(kind.oid)
        return extension is not None and extension.critical

    def unknown_critical(self) -> tuple[str, ...]:
        """Return the numbers of critical extensions that common validators do not process."""
        return tuple(
            oid.dotted_string
            for oid, extension in self._by_oid.items()
            if extension.critical and oid not in _UNDERSTOOD
        )

    def netscape(self) -> tuple[str, ...]:
        """Return the numbers of obsolete Netscape extensions."""
        return tuple(oid.dotted_string for oid in self._by_oid if oid.dotted_string.startswith(_NETSCAPE_ARC))


def key_usages(usage: x509.KeyUsage | None) -> frozenset[str] | None:
    """Return the uses that are allowed, in the library's spelling, or None if the extension is absent."""
    return frozenset(use for use in _USAGES if getattr(usage, use)) if usage else None


def purposes(usage: x509.ExtendedKeyUsage | None) -> tuple[str, ...]:
    """Return the purposes by their usual name or number."""
    return tuple(_PURPOSES.get(oid, oid.dotted_string) for oid in usage or ())


def subject_key_identifier(identifier: x509.SubjectKeyIdentifier | None) -> str | None:
    """Return the identifier as lower-case hex."""
    return identifier.digest.hex() if identifier else None


def authority_key_identifier(identifier: x509.AuthorityKeyIdentifier | None) -> str | None:
    """Return the key identifier as lower-case hex; None if absent or given by issuer and serial only."""
    return identifier.key_identifier.hex() if identifier and identifier.key_identifier else None


def general_names(names: Iterable[x509.GeneralName] | None) -> tuple[str, ...]:
    """Return names as `kind:value`, escaped, for example `URI:spiffe://example.com/service`."""
    return tuple(_general_name(name) for name in names or ())


def _general_name(name: x509.GeneralName) -> str:
    if isinstance(name, x509.DirectoryName):
        return f"DirName:{read_name(name.value, name.value.public_bytes())}"
    if isinstance(name, x509.OtherName):
        return f"OtherName:{name.type_id.dotted_string}"
    kinds: tuple[tuple[type[x509.GeneralName], str], ...] = (
        (x509.DNSName, "DNS"),
        (x509.UniformResourceIdentifier, "URI"),
        (x509.IPAddress, "IP"),
        (x509.RFC822Name, "email"),
        (x509.RegisteredID, "RegisteredID"),
    )
    kind = next((label for family, label in kinds if isinstance(name, family)), type(name).__name__)
    value = name.value.dotted_string if isinstance(name, x509.RegisteredID) else str(name.value)
    return f"{kind}:{escape(value)}"


def crl_urls(points: x509.CRLDistributionPoints | None) -> tuple[str, ...]:
    """Return the addresses of full CRLs, escaped."""
    return tuple(url for point in points or () for url in _urls(point.full_name or ()))


def access_urls(access: x509.AuthorityInformationAccess | None, method: x509.ObjectIdentifier) -> tuple[str, ...]:
    """Return the addresses for one access method (`OCSP` or `CA_ISSUERS`), escaped."""
    return tuple(
        url for entry in access or () if entry.access_method == method for url in _urls([entry.access_location])
    )


def _urls(names: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    return tuple(escape(name.value) for name in names if isinstance(name, x509.UniformResourceIdentifier))
