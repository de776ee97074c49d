"""The strict gate for clearsigned text (RFC 9580 section 7).

Clearsigning is where verifiers went wrong most often: text before and after the block, text cut off a
long line, private headers, form feeds (CVE-2025-68972). This gate takes only the plain form, and what
goes on to the verifier is written anew from the parts, so that no odd byte of the upload reaches it.
"""

import re
from dataclasses import dataclass

from trust.pki import limits
from trust.pki.openpgp import armor
from trust.pki.openpgp.errors import NotReadable, TooLarge

_BEGIN = b"-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = b"-----BEGIN PGP SIGNATURE-----"
_HASH = re.compile(rb"Hash: (SHA256|SHA384|SHA512)\Z")
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


class UnsignedContent(NotReadable):
    """Something stands in the file that no signature covers, or that verifiers read differently."""

    code = "openpgp_unsigned_content"
    fix = "Upload exactly what `gpg --clearsign` wrote, or use a detached signature."


@dataclass(frozen=True, slots=True)
class Clearsigned:
    """The signed text, without dash escapes, blanks at line ends and the last line end; and the signature."""

    text: bytes
    signature: bytes


def is_clearsigned(data: bytes) -> bool:
    """Whether `data` announces clearsigned text anywhere at the start of a line."""
    return data.startswith(_BEGIN) or b"\n" + _BEGIN in data


def read(data: bytes) -> Clearsigned:
    """The parts of one clearsigned message that is the whole of `data`.

    Blanks at line ends are not covered by the signature (RFC 9580 section 7.2), so they are dropped.

    Raises:
        UnsignedContent: for anything before, after, or hidden inside.
        NotReadable: for a signature block that cannot be read.
    """
    lines = _lines(data)
    if lines[0] != _BEGIN:
        raise UnsignedContent("Line 1 should be -----BEGIN PGP SIGNED MESSAGE-----, with nothing before it.")
    start = _after_headers(lines)
    try:
        end = lines.index(_SIGNATURE, start)
    except ValueError:
        raise UnsignedContent("The signed text is not followed by a signature block.") from None
    text = [_unescaped(number, line) for number, line in enumerate(lines[start:end], start=start + 1)]
    block = armor.decode(b"\n".join(lines[end:]))
    return Clearsigned(text=b"\n".join(text), signature=block.data)


def rebuild(message: Clearsigned, *, digest_name: str, signature: bytes) -> bytes:
    """`message` in the plain form that every verifier reads the same way."""
    escaped = [b"- " + line if line.startswith((b"-", b"From ")) else line for line in message.text.split(b"\n")]
    head: list[bytes] = [_BEGIN, b"Hash: " + digest_name.encode(), b""]
    return b"\n".join([*head, *escaped, armor.encode(armor.SIGNATURE, signature)])


def _lines(data: bytes) -> list[bytes]:
    text = data.replace(b"\r\n", b"\n")
    control = _CONTROL.search(text)
    if control:
        line = text.count(b"\n", 0, control.start()) + 1
        raise UnsignedContent(f"Line {line} holds a control character, which clearsigned text must not have.")
    lines = text.split(b"\n")
    for number, row in enumerate(lines, start=1):
        if len(row) > limits.CLEARSIGN_LINE_CHARACTERS:
            raise TooLarge(
                f"Line {number} is longer than {limits.CLEARSIGN_LINE_CHARACTERS} characters.",
                code="openpgp_long_line",
                fix="Use a detached signature for files with long lines.",
            )
    return [line.rstrip(b" \t") for line in lines]


def _after_headers(lines: list[bytes]) -> int:
    for position, line in enumerate(lines[1:], start=1):
        if not line:
            return position + 1
        if not _HASH.match(line):
            raise UnsignedContent(
                f"Line {position + 1} is not a `Hash:` header, the only one that clearsigned text may have."
            )
    raise UnsignedContent("There is no empty line between the headers and the text.")


def _unescaped(number: int, line: bytes) -> bytes:
    if not line.startswith(b"-"):
        return line
    # A lone "-" is what is left of "- " when the escaped line was empty and its blank was dropped.
    if not line.startswith(b"- ") and line != b"-":
        raise UnsignedContent(f"Line {number} begins with a dash that is not escaped as `- `.")
    return line[2:]
