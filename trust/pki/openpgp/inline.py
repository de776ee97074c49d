"""An inline-signed message: one file that holds the content and the signature (RFC 9580 section 10.3).

Exactly the two shapes that signing programs write are taken: one-pass signature, literal, signature; or
signature, literal. At most one compression layer around it, inflated with a bound. No encryption.
"""

import bz2
import zlib
from dataclasses import dataclass

from trust.pki import limits
from trust.pki.openpgp import packets, signature_packet
from trust.pki.openpgp.clearsign import UnsignedContent
from trust.pki.openpgp.errors import NotReadable, TooLarge
from trust.pki.openpgp.packets import Packet, Tag

_ENCRYPTED = frozenset({1, 3, 9, 18, 20})
_SHAPES = ((Tag.ONE_PASS_SIGNATURE, Tag.LITERAL, Tag.SIGNATURE), (Tag.SIGNATURE, Tag.LITERAL))


@dataclass(frozen=True, slots=True)
class InlineSigned:
    """The content, and the body of the one signature packet over it."""

    content: bytes
    signature: bytes


class SeveralSignatures(NotReadable):
    """The message carries more than one signature."""

    code = "openpgp_multiple_signatures"


def read(data: bytes) -> InlineSigned:
    """The parts of an inline-signed message that is the whole of `data` (binary).

    Raises:
        SeveralSignatures, UnsignedContent, TooLarge, NotReadable: for every other shape.
    """
    found = packets.walk(data, at_most=limits.SIGNATURE_PACKETS)
    if len(found) == 1 and found[0].tag == Tag.COMPRESSED:
        found = packets.walk(_inflated(found[0]), at_most=limits.SIGNATURE_PACKETS)
    _check_shape(found)
    by_tag = {packet.tag: packet.body for packet in found}
    return InlineSigned(
        content=_literal_content(by_tag[Tag.LITERAL]),
        signature=by_tag[Tag.SIGNATURE],
    )


def rebuild(message: InlineSigned) -> bytes:
    """`message` uncompressed with definite lengths, no file name and no date (neither is signed).

    The one-pass packet only repeats the signature's fields (RFC 9580 section 5.4), so it is made from them, also
    for the order without one, which the second reader does not know.

    Raises:
        NotReadable: if the signature cannot be read.
    """
    fields = signature_packet.read(message.signature)
    key_id = bytes.fromhex((fields.issuer_fingerprint or fields.issuer_key_id or "").rjust(16, "0"))[-8:]
    one_pass = bytes([3, fields.kind, fields.digest, fields.public_key_algorithm]) + key_id + b"\x01"
    return (
        packets.encode(Tag.ONE_PASS_SIGNATURE, one_pass)
        + packets.encode(Tag.LITERAL, b"b\x00\x00\x00\x00\x00" + message.content)
        + packets.encode(Tag.SIGNATURE, message.signature)
    )


def _check_shape(found: tuple[Packet, ...]) -> None:
    tags = tuple(packet.tag for packet in found)
    if any(tag in _ENCRYPTED for tag in tags):
        raise NotReadable(
            "The file is encrypted. Signatures are only checked on what everybody can read.",
            code="openpgp_encrypted",
            fix="Sign without encrypting: the connection to the portal is already protected.",
        )
    if tags in _SHAPES:
        if not all(packet.definite or packet.tag == Tag.LITERAL for packet in found):
            raise NotReadable("The signature has no definite length.")
        return
    if tags.count(Tag.SIGNATURE) > 1 and tags.count(Tag.LITERAL) == 1:
        raise SeveralSignatures("The file carries more than one signature.")
    if Tag.LITERAL in tags and Tag.SIGNATURE in tags:
        raise UnsignedContent("The file holds more than one signed document.")
    if Tag.COMPRESSED in tags:
        raise TooLarge("The file is compressed inside its compression.", code="openpgp_nested")
    raise NotReadable("The file is not a signed OpenPGP message.")


def _literal_content(body: bytes) -> bytes:
    """The data of a literal packet, behind format, file name and date (RFC 9580 section 5.9)."""
    if len(body) < 6 or len(body) < 6 + body[1]:
        raise NotReadable("The signed document is cut off.", code="openpgp_cut_off")
    if body[:1] != b"b":
        raise NotReadable(
            "The document was signed as text, so that its line ends are not covered.",
            code="openpgp_text_mode",
            fix="Sign without `--textmode`.",
        )
    return body[6 + body[1] :]


def _inflated(packet: Packet) -> bytes:
    algorithm, data = packet.body[:1], packet.body[1:]
    try:
        if algorithm == b"\x00":
            return data
        if algorithm == b"\x01":
            return _bounded_zlib(data, -zlib.MAX_WBITS)
        if algorithm == b"\x02":
            return _bounded_zlib(data, zlib.MAX_WBITS)
        if algorithm == b"\x03":
            return _bounded_bz2(data)
    except (zlib.error, OSError, EOFError, ValueError) as problem:
        raise NotReadable("The compressed part of the file does not unpack.") from problem
    raise NotReadable("The file is compressed in a way that OpenPGP does not know.")


def _bounded_zlib(data: bytes, window: int) -> bytes:
    unpacker = zlib.decompressobj(window)
    out = unpacker.decompress(data, limits.DECOMPRESSED_BYTES + 1)
    return _whole(out, unpacker.eof, unpacker.unused_data)


def _bounded_bz2(data: bytes) -> bytes:
    unpacker = bz2.BZ2Decompressor()
    out = unpacker.decompress(data, limits.DECOMPRESSED_BYTES + 1)
    return _whole(out, unpacker.eof, unpacker.unused_data)


def _whole(out: bytes, ended: bool, rest: bytes) -> bytes:
    if len(out) > limits.DECOMPRESSED_BYTES:
        raise TooLarge("The file unpacks to more than we are willing to read.", code="openpgp_bomb")
    if not ended:
        raise NotReadable("The compressed part of the file is cut off.", code="openpgp_cut_off")
    if rest:
        raise UnsignedContent("Something follows the compressed part of the file.")
    return out
