"""Distinguished names: DER for comparing, escaped text for showing (RFC 4514, RFC 5280 4.1.2.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import permutations

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
_PARTS_IN_ANY_ORDER = 6
# Types as they are written, in any case: as above, by their full names (``organizationName``), and by what else is in use.
_TYPES = (
    {
        name.replace("_", "").lower(): oid
        for name, oid in vars(NameOID).items()
        if isinstance(oid, x509.ObjectIdentifier)
    }
    | {short.lower(): oid for oid, short in _SHORT.items()}
    | {"e": NameOID.EMAIL_ADDRESS, "s": NameOID.STATE_OR_PROVINCE_NAME, "gn": NameOID.GIVEN_NAME, "sn": NameOID.SURNAME}
)
_PROMPT = re.compile(r"\A\s*+(?:(?:issuer|subject)\s*+[=:]\s*+)?", re.IGNORECASE)  # of openssl
_SIGN = r'(?:[^\s",;+\\]|\\.)'
_ATTRIBUTE = re.compile(
    r"\s*+(?:OID\.)?(?P<key>[A-Za-z][A-Za-z0-9-]*+|[0-9]++(?:\.[0-9]++)++)\s*+=\s*+"
    rf'(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<bare>(?:{_SIGN}++(?:\s++(?={_SIGN}))?)*+))\s*+(?P<joint>[,;+]|\Z)',
    re.IGNORECASE,
)
_SLASH = re.compile(r"(?<!\\)/(?=[A-Za-z0-9.]+=)")
_SLASHED = r"\/"
_BYTE = re.compile(r"\\x([0-9A-Fa-f]{2})")
_RESERVED = re.compile(r'\\.|[ #+,;<=>"\\]')


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
    """Return how a name that somebody wrote reads as `Name.text`, in every order of its parts; nothing for what is no name.

    Written as in RFC 4514, or as openssl, Java or Go print it (``issuer=O = "Halden, Inc.", CN = CA 1``, ``/O=Halden/CN=CA 1``):
    all are in use, and a name that is not recognized is a revocation that does nothing. Go has an order of its own. Of a name
    with more than six parts only the two usual orders are returned.
    """
    try:
        rdns = x509.Name.from_rfc4514_string(_plain(given)).rdns
    except ValueError:
        return []
    if not rdns:
        return []
    orders = permutations(rdns) if len(rdns) <= _PARTS_IN_ANY_ORDER else (rdns, reversed(rdns))
    return list(dict.fromkeys(read_name(x509.Name(each), b"").text for each in orders))


def _plain(given: str) -> str:
    """Return a written name as RFC 4514 has it, with types as numbers. Raises ValueError for what is no name."""
    written = _PROMPT.sub("", given)
    if written.startswith("/"):
        parts = [part.partition("=") for part in _SLASH.split(_BYTE.sub(r"\\\1", written.rstrip()))[1:]]
        return ",".join(f"{_oid(key)}={_quote(value).replace(_SLASHED, '/')}" for key, _, value in parts)
    plain, place, joint = "", 0, ","
    while joint:
        found = _ATTRIBUTE.match(written, place)
        if found is None:
            raise ValueError(given)
        quoted = found["quoted"]
        plain += f"{_oid(found['key'])}={found['bare'] if quoted is None else _quote(quoted)}"
        # A semicolon is the comma of RFC 2253.
        joint, place = found["joint"].replace(";", ","), found.end()
        plain += joint
    return plain


def _oid(key: str) -> str:
    if key[0].isdigit():
        return key
    found = _TYPES.get(key.lower())
    if found is None:
        raise ValueError(key)
    return found.dotted_string


def _quote(value: str) -> str:
    """Return a value with a backslash before what RFC 4514 reserves, where there is none."""
    return _RESERVED.sub(lambda found: found[0] if len(found[0]) > 1 else f"\\{found[0]}", value)


def _text(value: str | bytes) -> str:
    # Bit strings (unique identifiers) come as bytes.
    return value if isinstance(value, str) else value.hex()


def _key(oid: x509.ObjectIdentifier) -> str:
    return _SHORT.get(oid, oid.dotted_string)


def _escape(value: str) -> str:
    # A comma or equals sign inside a value must not look like a further attribute (RFC 4514 2.4).
    return escape(value, also=',+=;"')
