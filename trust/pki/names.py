"""Distinguished names: DER for comparing, escaped text for showing (RFC 4514, RFC 5280 4.1.2.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import NameOID

from trust.pki.display import Mark, escape, marks

_SHORT = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.LOCALITY_NAME: "L",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.EMAIL_ADDRESS: "emailAddress",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.STREET_ADDRESS: "street",
    NameOID.USER_ID: "UID",
    NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier",
}
_SHOWN_ATTRIBUTES = 40
_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name. `text` is most specific first and escaped; `values` are the raw attribute values.

    `values` are for checks only and must never be shown.
    """

    der: bytes = field(repr=False)
    text: str
    common_name: str
    marks: frozenset[Mark]
    attributes: int
    values: tuple[str, ...] = field(repr=False)

    def __str__(self) -> str:
        return self.text or "(empty name)"


def read_name(name: x509.Name, der: bytes) -> Name:
    """Read a name of the library whose DER is `der`. Raises what the library raises for broken values."""
    attributes = [(attribute.oid, _text(attribute.value)) for rdn in reversed(name.rdns) for attribute in rdn]
    shown = ", ".join(f"{_key(oid)}={_escape(value)}" for oid, value in attributes[:_SHOWN_ATTRIBUTES])
    more = len(attributes) - _SHOWN_ATTRIBUTES
    return Name(
        der=der,
        text=f"{shown}, ... ({more} more attributes)" if more > 0 else shown,
        common_name=next((_escape(value) for oid, value in attributes if oid == NameOID.COMMON_NAME), ""),
        marks=frozenset[Mark]().union(*(marks(value) for _, value in attributes)),
        attributes=len(attributes),
        values=tuple(value for _, value in attributes),
    )


def texts_of(given: str) -> list[str]:
    """Return how a name that somebody wrote reads as `Name.text`; nothing for what is no name.

    Written as in RFC 4514 or as openssl prints it ("O = Halden, CN = Issuing CA"), in either order: both are in use, and a name
    that is not recognized is a revocation that does nothing.
    """
    parts = [part.partition("=") for part in _COMMA.split(given)]
    plain = ",".join(f"{key.strip()}={value.strip()}" for key, _, value in parts)
    try:
        name = x509.Name.from_rfc4514_string(plain, {short: oid for oid, short in _SHORT.items()})
    except ValueError:
        return []
    orders = (name, x509.Name(list(reversed(name.rdns))))
    return list(dict.fromkeys(read_name(each, b"").text for each in orders))


def _text(value: str | bytes) -> str:
    # Bit strings (unique identifiers) come as bytes.
    return value if isinstance(value, str) else value.hex()


def _key(oid: x509.ObjectIdentifier) -> str:
    return _SHORT.get(oid, oid.dotted_string)


def _escape(value: str) -> str:
    # A comma or equals sign inside a value must not look like a further attribute (RFC 4514 2.4).
    return escape(value, also=',+=;"')
