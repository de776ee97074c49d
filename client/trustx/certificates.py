"""Reading certificates strictly: from a store, where anything strange refuses it, and out of what a partner signed."""

import base64
import binascii
import bz2
import gzip
import io
import json
import lzma
import re
import tarfile
import zipfile
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from trustx import formats

_BEGIN = re.compile(rb"^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?$", re.MULTILINE)
_BLOCK = re.compile(
    rb"^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n(.*?)^-----END \1-----[ \t]*\r?$", re.MULTILINE | re.DOTALL
)
_PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9 ]+ )?PRIVATE KEY(?: BLOCK)?-----")
_MOST_MEMBERS, _MOST_BYTES = 500, 20 * 1024 * 1024


class Unreadable(ValueError):
    """These bytes are not what they should be."""


def of_store(extension: str, content: bytes) -> frozenset[bytes]:
    """Return the DER of every certificate of a store, in any of its formats.

    Raises Unreadable when anything is cut off, is no certificate, does not parse, is there twice or does not belong into the
    format, and for a format that is not read here (``is_readable``).
    """
    if not is_readable(extension):
        raise Unreadable(f"trustx cannot look into .{extension}")
    found = _read(extension, content)
    for der in found:
        _parsed(der)
    if len(set(found)) != len(found):
        raise Unreadable("A certificate is there twice.")
    return frozenset(found)


def is_readable(extension: str) -> bool:
    """Say whether ``of_store`` reads this format."""
    named = {"json", "pem", "hashed.tar", *formats.BINARY, *formats.OBJECTS}
    return extension in named or extension.endswith(".pem")


def _read(extension: str, content: bytes) -> list[bytes]:
    if extension == "json":
        return _of_json(content)
    if extension.endswith("pem"):
        return _of_pem(content)
    try:
        if extension == "hashed.tar":
            return formats.of_hashed_tar(content, _of_pem)
        if extension in formats.BINARY:
            return formats.BINARY[extension](content)
        return formats.OBJECTS[extension](json.loads(content, object_pairs_hook=_without_repeats), _of_pem)
    except Unreadable:
        raise
    except Exception as error:  # readers of archives and of PKCS have errors of many kinds, and all mean this
        raise Unreadable(f"The .{extension} is not that of a store: {error}") from error


def _of_pem(content: bytes) -> list[bytes]:
    return blocks(content, b"CERTIFICATE")


def blocks(content: bytes, label: bytes) -> list[bytes]:
    """Return what the PEM blocks hold, which all have this label. Raises Unreadable for anything else."""
    # Libraries drop a block without its end and skip a private key without a word, so blocks are counted first.
    begun, whole = _BEGIN.findall(content), _BLOCK.findall(content)
    if len(begun) != len(whole) or content.count(b"-----BEGIN") != len(whole):
        raise Unreadable("A PEM block is cut off or out of place.")
    if strange := [each for each, _ in whole if each != label]:
        raise Unreadable(f"There is a {strange[0].decode('ascii')} where only a {label.decode('ascii')} belongs.")
    return [_base64(body) for _, body in whole]


def _of_json(content: bytes) -> list[bytes]:
    try:
        document = json.loads(content, object_pairs_hook=_without_repeats)
        return [_base64(each["der"].encode("ascii")) for each in document["certificates"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"The JSON is not that of a store: {error}") from error


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("A JSON object has a name twice.")
    return found


def _base64(body: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error as error:
        raise Unreadable("A certificate's base64 is broken.") from error


def _parsed(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise Unreadable(f"A certificate does not parse: {error}") from error


def of_original(content: bytes) -> frozenset[bytes]:
    """Return the DER of every certificate in what a partner signed: PEM, DER, PKCS #7, zip or tar.

    What is no certificate is passed over: whatever is found here was signed by the partner, and nothing else counts.
    """
    return frozenset(der for part in _members(content) for der in _certificates_in(part))


def holds_private_key(content: bytes) -> bool:
    """Say whether there is a private key to be seen: in PEM or OpenPGP armor, alone or in a zip or tar. The portal looks deeper."""
    return any(_PRIVATE_KEY.search(part) for part in _members(content))


def _members(content: bytes) -> Iterator[bytes]:
    yield content
    try:
        if content[:4] == b"PK\x03\x04":
            yield from _of_zip(content)
        elif content[:2] in (b"\x1f\x8b", b"BZ") or content[:6] == b"\xfd7zXZ\x00" or content[257:262] == b"ustar":
            yield from _of_tar(content)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        lzma.LZMAError,
    ):
        return


def _of_zip(content: bytes) -> Iterator[bytes]:
    left = _MOST_BYTES
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist()[:_MOST_MEMBERS]:
            with archive.open(member) as file:
                read = file.read(left + 1)
            left -= len(read)
            if left < 0:
                return
            yield read


def _of_tar(content: bytes) -> Iterator[bytes]:
    left = _MOST_BYTES
    # Unpacked here and bounded: tarfile would read a header of any length into memory.
    with tarfile.open(fileobj=io.BytesIO(_unpacked(content)), mode="r:") as archive:
        for number, member in enumerate(archive):
            file = archive.extractfile(member) if member.isreg() else None
            if number >= _MOST_MEMBERS or member.size > left:
                return
            if file is not None:
                left -= member.size
                yield file.read()


def _unpacked(content: bytes) -> bytes:
    """Return what gzip, bzip2 or xz packed, or the content as it is. Raises ValueError for more than is looked into."""
    for start, module in ((b"\x1f\x8b", gzip), (b"BZh", bz2), (b"\xfd7zXZ\x00", lzma)):
        if content.startswith(start):
            with module.open(io.BytesIO(content)) as packed:
                content = packed.read(_MOST_BYTES + 1)
            break
    if len(content) > _MOST_BYTES:
        raise ValueError("The archive is larger than 20 MB.")
    return content


def _certificates_in(part: bytes) -> Iterator[bytes]:
    for label, body in _BLOCK.findall(part):
        try:
            if label in (b"CERTIFICATE", b"X509 CERTIFICATE"):
                yield _der(_base64(body))
            elif label in (b"PKCS7", b"PKCS #7 SIGNED DATA"):
                yield from _of_pkcs7(_base64(body))
        except Unreadable:
            continue
    if part[:1] == b"\x30":
        try:
            yield _der(part)
        except Unreadable:
            yield from _of_pkcs7(part)


def _der(der: bytes) -> bytes:
    return _parsed(der).public_bytes(Encoding.DER)


def _of_pkcs7(der: bytes) -> list[bytes]:
    try:
        return [each.public_bytes(Encoding.DER) for each in pkcs7.load_der_pkcs7_certificates(der)]
    except ValueError:
        return []
