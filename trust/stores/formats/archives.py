"""Stores as folders: one DER file a certificate in a ZIP, and the hashed directory that OpenSSL's ``-CApath`` reads."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections import Counter
from dataclasses import dataclass

from asn1crypto import core, parser
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trust.stores.formats.content import StoreContent
from trust.stores.formats.json_document import certificate_members
from trust.stores.formats.pem import block

# The oldest date that a ZIP can hold: equal contents then give equal bytes.
_ALWAYS = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class DerZip:
    """``anchors/`` and ``intermediates/`` by digest, and ``manifest.json`` with where each comes from."""

    extension: str = "der.zip"
    content_type: str = "application/zip"
    label: str = "DER files in a ZIP"
    anchors_only: bool = False
    loses: tuple[str, ...] = ()

    def encode(self, content: StoreContent) -> bytes:
        """Return the archive, stored without compression: certificates do not shrink."""
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
            manifest = {
                "store": content.name,
                "version": content.number,
                "withdrawn": content.withdrawn,
                "purpose": content.purpose,
                "constraints": content.constraints,
                "certificates": [
                    {key: value for key, value in certificate_members(each).items() if key != "der"}
                    for each in content.certificates
                ],
            }
            _add(archive, "manifest.json", (json.dumps(manifest, indent=1) + "\n").encode("ascii"))
            for each in content.certificates:
                _add(archive, f"{each.role}s/{each.sha256}.der", each.der)
        return written.getvalue()

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each certificate. Raises ValueError when a file is not what its name says."""
        found = []
        with zipfile.ZipFile(io.BytesIO(artifact)) as archive:
            for name in archive.namelist():
                if name.endswith(".der"):
                    der = archive.read(name)
                    if hashlib.sha256(der).hexdigest() != name.rsplit("/", 1)[1].removesuffix(".der"):
                        raise ValueError("A file is not the one that its name says.")
                    found.append(der)
        return found


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _ALWAYS), content)


class _Pair(core.Sequence):
    _fields = [("type", core.ObjectIdentifier), ("value", core.Any)]


class _Rdn(core.SetOf):
    _child_spec = _Pair


class _Name(core.SequenceOf):
    _child_spec = _Rdn


# The kinds of text that OpenSSL writes in one form, by tag, and how it reads each; the others stay as they are.
_TEXTS = {
    12: "utf-8",  # UTF8String
    19: "latin-1",  # PrintableString
    20: "latin-1",  # T61String, whatever T.61 says
    22: "latin-1",  # IA5String
    26: "latin-1",  # VisibleString
    28: "utf-32-be",  # UniversalString
    30: "utf-16-be",  # BMPString
}


def subject_hash(der: bytes) -> str:
    """Return OpenSSL's hash of a certificate's subject, the name of its file in a hashed directory.

    It is the first four bytes, little-endian, of the SHA-1 over the subject's canonical form: every text in UTF-8 and lower
    case, with single spaces, without the outer SEQUENCE (OpenSSL's X509_NAME_hash). Raises ValueError for a text that is none.
    """
    subject = _Name.load(asn1_x509.Certificate.load(der).subject.dump())
    canonical = b"".join(_canonical_part(part) for part in subject)
    return f"{int.from_bytes(hashlib.sha1(canonical).digest()[:4], 'little'):08x}"  # noqa: S324 - OpenSSL's choice


def _canonical_part(part: _Rdn) -> bytes:
    pairs = [_tlv(0x30, pair["type"].dump() + _canonical_value(pair["value"].dump())) for pair in part]
    return _tlv(0x31, b"".join(sorted(pairs)))


def _canonical_value(value: bytes) -> bytes:
    kind, _, tag, _, text, _ = parser.parse(value)
    if kind != 0 or tag not in _TEXTS:
        return value
    words = text.decode(_TEXTS[tag]).encode("utf-8").split()
    return _tlv(12, _lower_ascii(b" ".join(words)))


def _lower_ascii(text: bytes) -> bytes:
    return bytes(octet + 32 if 65 <= octet <= 90 else octet for octet in text)


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(octets)]) + octets + content


@dataclass(frozen=True)
class HashedDirectory:
    """The anchors for ``-CApath``. Anchors only, since readers with partial chains take every file for an anchor."""

    extension: str = "hashed.tar"
    content_type: str = "application/x-tar"
    label: str = "OpenSSL hashed directory"
    anchors_only: bool = True
    loses: tuple[str, ...] = ("constraints", "intermediates", "provenance", "purpose", "version", "withdrawal")

    def encode(self, content: StoreContent) -> bytes:
        """Return the directory as a tar: one PEM file an anchor, named by the hash of its subject and a counter."""
        written, seen = io.BytesIO(), Counter[str]()
        with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for each in content.anchors:
                named = subject_hash(each.der)
                entry = tarfile.TarInfo(f"{named}.{seen[named]}")
                seen[named] += 1
                pem = block(each.der).encode("ascii")
                entry.size, entry.mode = len(pem), 0o644
                archive.addfile(entry, io.BytesIO(pem))
        return written.getvalue()

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each file."""
        found = []
        with tarfile.open(fileobj=io.BytesIO(artifact)) as archive:
            for member in archive.getmembers():
                file = archive.extractfile(member)
                if file is None or "/" in member.name:
                    raise ValueError("There is something other than files in the directory.")
                found.append(x509.load_pem_x509_certificate(file.read()).public_bytes(Encoding.DER))
        return found
