"""Reading fingerprints of certificates and OpenPGP keys from a file, offline."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs7

from trustx.pgp_words import EVEN_WORDS, ODD_WORDS

MAX_BYTES = 4 * 1024 * 1024  # a bundle of CA certificates is far below
_ARMOR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\r\n]+: [^\r\n]*\r?\n)*\r?\n(.*?)\r?\n(?:=[A-Za-z0-9+/]{4}\r?\n)?"
    rb"-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL,
)
_SPOKEN = dict(
    zip(
        "0123456789abcdef",
        "Zero One Two Three Four Five Six Seven Eight Niner Alfa Bravo Charlie Delta Echo Foxtrot".split(),  # noqa: SIM905
        strict=True,
    )
)


class CannotRead(ValueError):
    """The file is not what can be read here; the message says why."""


@dataclass(frozen=True)
class Named:
    """One fingerprint, with what it is of. ``hex`` is lower case and complete."""

    what: str
    name: str
    algorithm: str
    hex: str

    @property
    def groups(self) -> list[str]:
        """The fingerprint in upper-case groups of four."""
        return [self.hex[at : at + 4].upper() for at in range(0, len(self.hex), 4)]

    @property
    def words(self) -> list[str]:
        """Two words of the PGP list for each group."""
        pairs = [bytes.fromhex(group) for group in self.groups]
        return [f"{EVEN_WORDS[pair[0]]} {ODD_WORDS[pair[1]]}" for pair in pairs]


def spoken(group: str) -> str:
    """Return a group as it is said: "Three Eight Five Seven"; nine is "Niner", which nobody hears as five."""
    return " ".join(_SPOKEN[digit] for digit in group.lower())


def read(content: bytes) -> list[Named]:
    """Return the fingerprints of everything in a file: certificates (PEM, DER, PKCS #7) or OpenPGP public keys.

    Raises CannotRead when there is nothing of the kind, or the file is too large or broken.
    """
    if len(content) > MAX_BYTES:
        raise CannotRead("The file is larger than 4 MB.")
    if b"-----BEGIN PGP PUBLIC KEY BLOCK-----" in content:
        return [_key(block) for block in _armored(content)]
    if b"PRIVATE KEY" in content and b"BEGIN CERTIFICATE" not in content:
        raise CannotRead(
            "This is a private key. Export the certificate or the public key, and keep this file where it is."
        )
    found = _certificates(content)
    if found:
        return [_certificate(each) for each in found]
    if content[:1] and content[0] & 0x80:
        return [_key(content)]
    raise CannotRead("There is no certificate and no OpenPGP public key in the file.")


def _certificates(content: bytes) -> list[x509.Certificate]:
    readers = (
        x509.load_pem_x509_certificates,
        lambda data: [x509.load_der_x509_certificate(data)],
        pkcs7.load_pem_pkcs7_certificates,
        pkcs7.load_der_pkcs7_certificates,
    )
    for reader in readers:
        try:
            return list(reader(content))
        except ValueError:
            continue
    return []


def _certificate(certificate: x509.Certificate) -> Named:
    name = certificate.subject.rfc4514_string() or "no subject"
    return Named("Certificate", _plain(name), "SHA-256", certificate.fingerprint(hashes.SHA256()).hex())


def _plain(text: str) -> str:
    """Return ``text`` with everything that a terminal could act on made visible."""
    return "".join(char if char.isprintable() else f"<U+{ord(char):04X}>" for char in text)


def _armored(content: bytes) -> list[bytes]:
    try:
        blocks = [base64.b64decode(b"".join(body.split()), validate=True) for body in _ARMOR.findall(content)]
    except binascii.Error:
        raise CannotRead("The OpenPGP armor is broken.") from None
    if not blocks:
        raise CannotRead("The OpenPGP armor is broken.")
    return blocks


def _key(data: bytes) -> Named:
    """Return the fingerprint of the primary key that starts ``data`` (RFC 9580, sections 4.2 and 5.5.4)."""
    tag, body = _first_packet(data)
    if tag in (5, 7):
        raise CannotRead("This is a secret key. Export the public key: gpg --armor --export.")
    if tag != 6:
        raise CannotRead("This is not an OpenPGP public key.")
    version = body[0] if body else 0
    if version == 4:
        digest = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False)
        return Named("OpenPGP key", "version 4", "SHA-1", digest.hexdigest())
    if version == 6:
        digest = hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body)
        return Named("OpenPGP key", "version 6", "SHA-256", digest.hexdigest())
    raise CannotRead(f"OpenPGP keys of version {version} have no fingerprint that can be relied on.")


def _first_packet(data: bytes) -> tuple[int, bytes]:
    try:
        first = data[0]
        if first & 0x40:
            tag, start, length = first & 0x3F, *_new_length(data)
        else:
            size = {0: 1, 1: 2, 2: 4}[first & 3]
            tag, start = (first >> 2) & 0xF, 1 + size
            length = int.from_bytes(data[1:start], "big")
    except (IndexError, KeyError):
        raise CannotRead("This is not an OpenPGP public key.") from None
    body = data[start : start + length]
    if len(body) != length:
        raise CannotRead("The OpenPGP key is cut off.")
    return tag, body


def _new_length(data: bytes) -> tuple[int, int]:
    """Return where the body starts and how long it is (RFC 9580, section 4.2.1)."""
    if data[1] < 192:
        return 2, data[1]
    if data[1] < 224:
        return 3, ((data[1] - 192) << 8) + data[2] + 192
    if data[1] == 255:
        return 6, int.from_bytes(data[2:6], "big")
    raise CannotRead("The OpenPGP key is written in parts, which no key is.")
