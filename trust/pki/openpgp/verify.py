"""Checking a signature over a document, step by step.

1. Sizes first: nothing beyond `trust.pki.limits` is read.
2. Decode armor ourselves, walk the packets, and take exactly the shape that the form prescribes: one
   version 4 signature, nothing beside it. What goes on is written anew from the parts.
3. Judge what stands in the signature: type, digest, issuer, key size, moment.
4. Run gpgv in a fresh folder with a ring that holds only the given keys.
5. Judge its status lines: exactly one good, valid signature by a key of the ring; silence is failure.
6. Compare the content: what gpgv wrote out must equal what we read ourselves.
7. A second reader must agree. Then, and only then, the report carries the content.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from trust.pki import limits
from trust.pki.openpgp import armor, clearsign, gpgv, inline, judge, packets, second_reader, signature_packet
from trust.pki.openpgp import ring as rings
from trust.pki.openpgp.errors import NotReadable, TooLarge
from trust.pki.openpgp.packets import Tag
from trust.pki.openpgp.ring import Ring, RingKey
from trust.pki.openpgp.signature_packet import Kind, SignaturePacket
from trust.pki.openpgp.verdicts import WORDS, Form, SignatureReport, Verdict

__all__ = ["RingKey", "check", "check_clearsigned", "check_detached", "check_inline"]


@dataclass(frozen=True, slots=True)
class _Parts:
    """A document taken apart: what gpgv gets, what it should write out, and what counts as the content."""

    form: Form
    kind: int
    signature: bytes
    signed: bytes
    data: bytes | None
    expected_output: bytes | None
    content: bytes


def carries_signature(content: bytes) -> bool:
    """Whether `content` looks like a file that carries its signature inside, good or bad."""
    binary = bool(content) and bool(content[0] & 0x80) and not content.startswith(b"\xef\xbb\xbf")
    return clearsign.is_clearsigned(content) or armor.is_armored(content) or binary


def check(*, content: bytes, signature: bytes | None, ring: Sequence[RingKey], now: datetime) -> SignatureReport:
    """Checks `content` with its detached `signature`; without one, `content` must carry it inside.

    Raises:
        ToolMissing: gpgv is not there.
        RingBroken: a key of `ring` is not what it is filed as.
    """
    if signature is not None:
        return check_detached(content=content, signature=signature, ring=ring, now=now)
    if clearsign.is_clearsigned(content):
        return check_clearsigned(content=content, ring=ring, now=now)
    if carries_signature(content):
        return check_inline(content=content, ring=ring, now=now)
    return _report(Verdict.MISSING, "detached")


def check_detached(*, content: bytes, signature: bytes, ring: Sequence[RingKey], now: datetime) -> SignatureReport:
    """Checks a detached signature, armored or binary, over exactly the bytes of `content`.

    Raises: as `check`.
    """
    if not signature.strip():
        return _report(Verdict.MISSING, "detached")

    def parts() -> _Parts:
        _limit(content, limits.SIGNED_BYTES)
        _limit(signature, limits.SIGNATURE_BYTES)
        body = _only_signature(armor.decode_or_binary(signature, label=armor.SIGNATURE))
        packet = packets.encode(Tag.SIGNATURE, body)
        return _Parts("detached", Kind.BINARY, body, packet, content, None, content)

    return _checked("detached", parts, ring, now)


def check_clearsigned(*, content: bytes, ring: Sequence[RingKey], now: datetime) -> SignatureReport:
    """Checks clearsigned text that is the whole of `content`. The report's content is the signed text.

    Raises: as `check`.
    """

    def parts() -> _Parts:
        _limit(content, limits.SIGNED_BYTES)
        message = clearsign.read(content)
        body = _only_signature(message.signature)
        digest_name = signature_packet.read(body).digest_name
        packet = packets.encode(Tag.SIGNATURE, body)
        signed = clearsign.rebuild(message, digest_name=digest_name, signature=packet)
        text = message.text + b"\n"
        return _Parts("clearsigned", Kind.TEXT, body, signed, None, text, text)

    return _checked("clearsigned", parts, ring, now)


def check_inline(*, content: bytes, ring: Sequence[RingKey], now: datetime) -> SignatureReport:
    """Checks an inline-signed message (``gpg --sign``), armored or binary, that is the whole of `content`.

    Raises: as `check`.
    """

    def parts() -> _Parts:
        _limit(content, limits.SIGNED_BYTES)
        message = inline.read(armor.decode_or_binary(content, label=armor.MESSAGE))
        _limit(message.content, limits.SIGNED_BYTES)
        signed = inline.rebuild(message)
        return _Parts("inline", Kind.BINARY, message.signature, signed, None, message.content, message.content)

    return _checked("inline", parts, ring, now)


def _checked(form: Form, parts: Callable[[], _Parts], keys: Sequence[RingKey], now: datetime) -> SignatureReport:
    ring = rings.opened(keys)
    try:
        read = parts()
        signature = signature_packet.read(read.signature)
    except NotReadable as problem:
        return replace(_report(_verdict_of(problem), form), sentence=_sentence(problem), fix=_fix(problem))
    report = replace(
        _report(Verdict.GOOD, form),
        signer_hint=signature.issuer_fingerprint or signature.issuer_key_id,
        digest_algorithm=signature.digest_name,
        created_at=signature.created_at,
    )
    against = judge.against_packet(signature, kind=read.kind, ring=ring, now=now)
    return _said(report, against) if against else _judged(report, read, signature, ring, now)


def _judged(
    report: SignatureReport, read: _Parts, signature: SignaturePacket, ring: Ring, now: datetime
) -> SignatureReport:
    run = gpgv.run(ring=ring.data, signed=read.signed, content=read.data)
    against = judge.against_run(run, kind=read.kind, signature=signature, ring=ring)
    primary, signer = _named(run)
    report = replace(
        report,
        status_lines=run.status_lines,
        tool_versions=(
            f"gpgv {gpgv.version_of(gpgv.find('gpgv'))}",
            f"pysequoia {second_reader.version()}",
        ),
        primary_fingerprint=primary,
        signing_fingerprint=signer,
    )
    if against:
        return _said(report, against)
    if read.data is None and run.output != read.expected_output:
        return _said(report, Verdict.UNSIGNED_CONTENT)
    try:
        if second_reader.has_expired(ring.blocks, primary=str(primary), now=now):
            return _said(report, Verdict.KEY_EXPIRED)
        _confirm(read, ring, str(primary), str(signer))
    except second_reader.Disagreement as problem:
        return replace(_said(report, Verdict.DISAGREEMENT), sentence=f"{problem}")
    return replace(report, content=read.content)


def _confirm(read: _Parts, ring: Ring, primary: str, signer: str) -> None:
    if read.data is not None:
        second_reader.confirm_detached(
            blocks=ring.blocks, content=read.data, signature=read.signed, primary=primary, signer=signer
        )
        return
    text = read.form == "clearsigned"
    second_reader.confirm_message(
        blocks=ring.blocks,
        message=read.signed,
        # The last line end belongs to the frame and not to the text (RFC 9580 section 7.1).
        content=read.content.removesuffix(b"\n") if text else read.content,
        primary=primary,
        signer=signer,
        text=text,
    )


def _named(run: gpgv.GpgvRun) -> tuple[str | None, str | None]:
    """The primary and the signing fingerprint that gpgv names, if it named exactly one."""
    lines = run.lines("VALIDSIG")
    if len(lines) == 1 and len(lines[0].fields) == 10:
        return lines[0].fields[9].lower(), lines[0].fields[0].lower()
    return None, None


def _only_signature(data: bytes) -> bytes:
    """The body of the one signature packet that `data` consists of."""
    found = packets.walk(data, at_most=limits.SIGNATURE_PACKETS)
    if any(packet.tag != Tag.SIGNATURE or not packet.definite for packet in found):
        raise NotReadable("The signature holds something else than a signature.")
    if len(found) != 1:
        raise inline.SeveralSignatures("The file carries more than one signature.")
    return found[0].body


def _limit(data: bytes, size: int) -> None:
    if len(data) > size:
        raise TooLarge(f"It is larger than {size // limits.KIB} KiB.")


_BY_CODE = {
    "openpgp_signature_version": Verdict.UNSUPPORTED_VERSION,
    "openpgp_unsigned_content": Verdict.UNSIGNED_CONTENT,
    "openpgp_text_around_block": Verdict.UNSIGNED_CONTENT,
    "openpgp_multiple_signatures": Verdict.MULTIPLE_SIGNATURES,
    "openpgp_too_many_packets": Verdict.MULTIPLE_SIGNATURES,
    "openpgp_text_mode": Verdict.WRONG_TYPE,
    "openpgp_empty": Verdict.MISSING,
}


def _verdict_of(problem: NotReadable) -> Verdict:
    if isinstance(problem, TooLarge):
        return Verdict.TOO_LARGE
    return _BY_CODE.get(problem.code, Verdict.NOT_A_SIGNATURE)


def _sentence(problem: NotReadable) -> str:
    return f"{WORDS[_verdict_of(problem)][0]} {problem.sentence}"


def _fix(problem: NotReadable) -> str:
    return problem.fix or WORDS[_verdict_of(problem)][1]


def _report(verdict: Verdict, form: Form) -> SignatureReport:
    sentence, fix = WORDS[verdict]
    return SignatureReport(verdict=verdict, sentence=sentence, fix=fix, form=form)


def _said(report: SignatureReport, verdict: Verdict) -> SignatureReport:
    sentence, fix = WORDS[verdict]
    return replace(report, verdict=verdict, sentence=sentence, fix=fix)
