"""Mail as the bytes that travel: text and HTML, signed and encrypted by PGP/MIME (RFC 3156). Plain Python.

What is signed is built once, as bytes with CRLF and 7 bits, and is never parsed or folded again afterwards: a verifier hashes
exactly what stands between the boundaries (RFC 3156 section 5). The headers that people act on stand inside the signed part as
well (RFC 9788), since a signature does not cover those outside.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import policy, quoprimime
from email.message import EmailMessage

POLICY = policy.SMTP.clone(cte_type="7bit")
EOL = b"\r\n"
LINE = 76  # characters that fit every screen and need no encoding for their length
PROTECTED = ("From", "To", "Date", "Subject", "Message-ID")
_VERSION_OF_MIME = b"MIME-Version: 1.0\r\n"


@dataclass(frozen=True)
class Body:
    """What a mail says, in one form or two (``html`` may be empty), and what is attached: name, bytes and media type each."""

    text: str
    html: str
    attachments: tuple[tuple[str, bytes, str], ...] = ()


def entity(body: Body, *, token: str) -> EmailMessage:
    """Return the body as a MIME entity. ``token`` makes boundaries that no text can hold by chance."""
    both = _said(body, token)
    if not body.attachments:
        return both
    mixed = EmailMessage(policy=POLICY)
    mixed["Content-Type"] = "multipart/mixed"
    mixed.set_boundary(f"=_mixed_{token}")
    mixed.set_payload([both, *(_attachment(*each) for each in body.attachments)])
    return mixed


def _said(body: Body, token: str) -> EmailMessage:
    if not body.html:
        return _text(body.text, "plain")
    both = EmailMessage(policy=POLICY)
    both["Content-Type"] = "multipart/alternative"
    both.set_boundary(f"=_alternative_{token}")
    both.set_payload([_text(body.text, "plain"), _text(body.html, "html")])
    return both


def plain(headers: Mapping[str, str], body: Body, *, token: str) -> bytes:
    """Return an unsigned mail."""
    return _head(headers) + _VERSION_OF_MIME + entity(body, token=token).as_bytes()


def signed(headers: Mapping[str, str], body: Body, *, token: str, sign: Callable[[bytes], bytes], micalg: str) -> bytes:
    """Return a mail whose body is signed: ``multipart/signed`` with the signature in its second part (RFC 3156 section 5)."""
    content = _protected(headers, body, token=token, encrypted=False)
    signature = (
        b'Content-Type: application/pgp-signature; name="signature.asc"\r\n'
        b"Content-Description: OpenPGP signature of the portal\r\n"
        b'Content-Disposition: attachment; filename="signature.asc"\r\n\r\n' + _crlf(sign(content))
    )
    kind = f'multipart/signed; micalg="{micalg}"; protocol="application/pgp-signature"'
    return _parts(headers, kind, f"=_signed_{token}", content, signature)


def encrypted(headers: Mapping[str, str], body: Body, *, token: str, encrypt: Callable[[bytes], bytes]) -> bytes:
    """Return a mail whose body only its recipient reads (RFC 3156 sections 4 and 6.2: ``encrypt`` signs as well)."""
    content = _protected(headers, body, token=token, encrypted=True)
    control = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
    message = (
        b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n'
        b'Content-Disposition: inline; filename="encrypted.asc"\r\n\r\n' + _crlf(encrypt(content))
    )
    kind = 'multipart/encrypted; protocol="application/pgp-encrypted"'
    return _parts(headers, kind, f"=_encrypted_{token}", control, message)


def _protected(headers: Mapping[str, str], body: Body, *, token: str, encrypted: bool) -> bytes:
    """Return the entity with the protected headers in it (RFC 9788 section 2.1).

    The subject stays readable outside too: whoever is woken must see what it is about, and it is the pager's sentence anyway.
    """
    made = entity(body, token=token)
    made.set_param("hp", "cipher" if encrypted else "clear")
    kept = [(name, headers[name]) for name in PROTECTED if name in headers]
    lines = [_line(name, value) for name, value in kept]
    if encrypted:
        # What of it everybody could read on the way (RFC 9788 section 2.2).
        lines += [b"HP-Outer: " + _line(name, value) for name, value in kept]
    return b"".join(lines) + made.as_bytes()


def _head(headers: Mapping[str, str]) -> bytes:
    return b"".join(_line(name, value) for name, value in headers.items())


def _line(name: str, value: str) -> bytes:
    # Identifiers are one word. Folded, they would leave an empty first line, which some servers take for damage.
    if name in ("Message-ID", "In-Reply-To", "References"):
        return f"{name}: {value}".encode("ascii") + EOL
    return POLICY.header_factory(name, value).fold(policy=POLICY).encode("ascii")


def _parts(headers: Mapping[str, str], kind: str, boundary: str, *parts: bytes) -> bytes:
    head = _head(headers) + _VERSION_OF_MIME + f'Content-Type: {kind};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    line = b"--" + boundary.encode()
    # The line end before a boundary belongs to the boundary and is not signed (RFC 2046 section 5.1.1).
    joined = b"".join(line + EOL + part + EOL for part in parts)
    return head + b"This is an OpenPGP/MIME message (RFC 3156)." + EOL + joined + line + b"--" + EOL


def _crlf(armored: bytes) -> bytes:
    return EOL.join(armored.strip().splitlines()) + EOL


def _text(text: str, subtype: str) -> EmailMessage:
    """Return a text part that no mail server has a reason to change.

    Anything but short lines of ASCII is quoted-printable, and so is a blank at the end of a line, which servers strip, and a line
    that begins with "From ", which mailboxes quote (RFC 3156 section 3).
    """
    text = "\n".join(text.splitlines()) + "\n"
    part = EmailMessage(policy=POLICY)
    part["Content-Type"] = f"text/{subtype}; charset=utf-8"
    if _travels_as_it_is(text):
        part["Content-Transfer-Encoding"] = "7bit"
        part.set_payload(text)
        return part
    part["Content-Transfer-Encoding"] = "quoted-printable"
    encoded = quoprimime.body_encode(text.encode("utf-8").decode("latin-1"), maxlinelen=LINE, eol="\n")
    part.set_payload("\n".join(_not_from(line) for line in encoded.split("\n")))
    return part


def _travels_as_it_is(text: str) -> bool:
    lines = text.split("\n")
    return text.isascii() and all(
        len(line) <= LINE and line == line.rstrip() and not line.startswith("From ") for line in lines
    )


def _not_from(line: str) -> str:
    return f"=46{line[1:]}" if line.startswith("From ") else line


def _attachment(name: str, content: bytes, media_type: str) -> EmailMessage:
    part = EmailMessage(policy=POLICY)
    kind, _, subtype = media_type.partition("/")
    part.set_content(content, maintype=kind, subtype=subtype, cte="base64", filename=name)
    del part["MIME-Version"]  # is said once, at the top
    return part
