"""``trustx notice``: write, sign, send and answer the signed statements by which trust changes."""

import argparse
import json
from pathlib import Path
from typing import Any

from trustx import notices, placing, signing
from trustx.api import Answer, File
from trustx.options import api_of, command, content_of, reaches_portal
from trustx.pulling import now
from trustx.saying import out, plain, step, told
from trustx.stops import Exit, Stop


def add(acts: Any) -> None:
    """Add the commands about notices."""
    notice = command(
        acts,
        "notice",
        None,
        "Write, sign, send, show and answer notices.",
        """trustx notice sign --kind ca_revocation --certificate issuing-2025.pem --reason keyCompromise \\
    --effective now --issuer halden --partner meridian --key '1F29 C82A …' --send
trustx notice show HF-2026-014""",
    ).add_subparsers(dest="notice_command", required=True)
    write = command(
        notice,
        "write",
        _write,
        "Write the bytes of a notice to sign, from options or a JSON file. Needs no network.",
        """trustx notice write --kind maintenance --issuer halden --partner meridian --set starts_at=2026-12-01T02:00:00Z \\
    --set ends_at=2026-12-01T04:00:00Z --summary 'HSM firmware' --out notice.json
trustx notice write --from draft.json --out notice.json""",
    )
    _says(write)
    write.add_argument("--out", type=Path, required=True, help="Where to keep it.")
    sign = command(
        notice,
        "sign",
        _sign,
        "Sign a notice with your own gpg, detached; with --send, hand it in at once.",
        """trustx notice sign notice.json --key '1F29 C82A …'
trustx notice sign notice.json --key '1F29 C82A …' --send
trustx notice sign --kind withdrawal --set withdraws=4f0c… --issuer halden --partner meridian --key '1F29 C82A …' --send""",
    )
    sign.add_argument("file", type=Path, nargs="?", help="As 'write' made it. Without it, the options say it.")
    _says(sign)
    sign.add_argument("--key", required=True, help="The full fingerprint of your OpenPGP key.")
    sign.add_argument("--out", type=Path, help="Where to keep it (default: notice-MESSAGE_ID.json).")
    sign.add_argument("--send", action="store_true", help="Hand it in.")
    reaches_portal(sign)
    send = command(
        notice,
        "send",
        _send,
        "Hand a signed notice in. The same file again gets the first answer and does nothing twice.",
        """trustx notice send notice.json --signature notice.json.asc
trustx notice send clearsigned.asc""",
    )
    _signed_file(send)
    reaches_portal(send)
    distress = command(
        notice,
        "distress",
        _distress,
        "Prepare a revocation to keep offline, for the day on which you cannot sign in. Needs no network.",
        """trustx notice distress --certificate root-2024.pem --issuer halden --partner meridian --key '1F29 C82A …' \\
    --out /media/safe/halden-root-2024""",
    )
    distress.add_argument("--certificate", type=Path, required=True, help="The CA that it would revoke.")
    distress.add_argument("--issuer", required=True, help="Your organization's short name in the portal.")
    distress.add_argument("--partner", required=True, help="The organization that is spoken to.")
    distress.add_argument("--key", required=True, help="The full fingerprint of your OpenPGP key.")
    distress.add_argument(
        "--reason",
        choices=notices.REASONS,
        default="cACompromise",
        help="As RFC 5280 names it (default: cACompromise).",
    )
    distress.add_argument("--days", type=int, default=365, help="How long it is good, at most 400 (default: 365).")
    distress.add_argument("--portal", default="https://…", help="Written into the instructions.")
    distress.add_argument("--out", type=Path, required=True, help="A new folder.")
    hand_in = command(
        notice,
        "hand-in",
        _hand_in,
        "Hand in a distress notice. Whoever holds it can, without a token; it takes effect once, at once.",
        "trustx notice hand-in notice.json --signature notice.json.asc --portal https://portal.example",
    )
    _signed_file(hand_in)
    reaches_portal(hand_in, token=False)
    show = command(
        notice,
        "show",
        _show,
        "Show a notice as whoever is on call needs it.",
        """trustx notice show HF-2026-014
trustx notice show HF-2026-014 --json
trustx notice show HF-2026-014 --partner-fingerprint '1F29 C82A …' --partner-keys halden.asc""",
    )
    show.add_argument("label", help="Its name, such as HF-2026-014.")
    show.add_argument("--json", action="store_true", help="Print the portal's document with the signed bytes.")
    _pins(show)
    reaches_portal(show)
    acknowledge = command(
        notice,
        "acknowledge",
        _acknowledge,
        "Answer a notice with a document that you sign, bound to the digest of the notice.",
        """trustx notice acknowledge HF-2026-014 --key '77AC 01D2 …'
trustx notice acknowledge HF-2026-014 --answer done --message 'Published v8; all 11 services run it.' --key '77AC 01D2 …'
trustx notice acknowledge HF-2026-014 --unsigned""",
    )
    acknowledge.add_argument("label", help="Its name, such as HF-2026-014.")
    acknowledge.add_argument("--answer", choices=notices.ANSWERS, default="acknowledged", help="Default: acknowledged.")
    acknowledge.add_argument("--message", default="", help="What was done, or why you cannot act.")
    acknowledge.add_argument("--evidence", type=Path, help="A file whose SHA-256 goes into the document.")
    who = acknowledge.add_mutually_exclusive_group(required=True)
    who.add_argument("--key", help="The full fingerprint of your OpenPGP key.")
    who.add_argument("--unsigned", action="store_true", help="Answer in the name of the token alone.")
    acknowledge.add_argument("--out", type=Path, help="Keep the signed document here, and its signature beside it.")
    _pins(acknowledge)
    reaches_portal(acknowledge)


def _says(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", type=Path, dest="draft", metavar="FILE", help="A JSON file; options win over it.")
    parser.add_argument("--kind", choices=notices.KINDS, help="What it says.")
    parser.add_argument("--issuer", help="Your organization's short name in the portal.")
    parser.add_argument("--partner", help="The organization that is spoken to.")
    parser.add_argument("--certificate", type=Path, help="The certificate that it is about, PEM or DER.")
    parser.add_argument("--reason", choices=notices.REASONS, help="Of a revocation (RFC 5280).")
    parser.add_argument(
        "--effective", help="2026-11-24T02:18:00Z, now, +4h or +30d; without it the agreement's lead time."
    )
    parser.add_argument("--summary", help="One sentence for the reader.")
    parser.add_argument("--exception-reason", help="Why it cannot keep the agreement's lead time.")
    parser.add_argument("--rehearsal", action="store_true", help="Marked as one everywhere, with real clocks.")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=TEXT", help="Any other member of the kind.")


def _signed_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="The notice, as it was signed.")
    parser.add_argument("--signature", type=Path, help="Not needed when the file is clear-signed.")


def _pins(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--partner-fingerprint", action="append", default=[], metavar="HEX", help="Demand this signer.")
    parser.add_argument("--partner-keys", type=Path, help="The partner's public keys.")


def _written(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the members of the notice that the options describe."""
    at = now()
    members = notices.read(content_of(asked.draft)) if asked.draft else {}
    given = {
        "event_type": asked.kind,
        "issuer": asked.issuer,
        "partner": asked.partner,
        "revocation_reason": asked.reason,
        "effective_date": notices.stamp(notices.moment(asked.effective, at)) if asked.effective else None,
        "summary": asked.summary,
        "exception_reason": asked.exception_reason,
        "rehearsal": True if asked.rehearsal else None,
    }
    if asked.certificate:
        given |= notices.about_certificate(content_of(asked.certificate))
    for each in asked.set:
        name, sign, value = each.partition("=")
        if not name or not sign:
            raise Stop(Exit.USAGE, f"Write --set NAME=TEXT, not {each!r}.")
        given[name] = value
    return notices.completed(members | {name: value for name, value in given.items() if value is not None}, at)


def _write(asked: argparse.Namespace) -> int:
    content = notices.canonical(_written(asked))
    placing.write(asked.out, content)
    return told(Exit.OK, "written", f"{asked.out}, {len(content)} bytes to sign", file=str(asked.out))


def _sign(asked: argparse.Namespace) -> int:
    if asked.file:
        given = {"--kind": asked.kind, "--from": asked.draft, "--certificate": asked.certificate, "--set": asked.set}
        if unused := [name for name, value in given.items() if value]:
            raise Stop(Exit.USAGE, f"The file says it already; leave {unused[0]} out, or use 'trustx notice write'.")
        content, out = content_of(asked.file), asked.out or asked.file
        # What is signed must be read by everybody in the same way.
        notices.completed(notices.read(content), now())
    else:
        members = _written(asked)
        content, out = notices.canonical(members), asked.out or Path(f"notice-{members['message_id']}.json")
    step("Waiting for gpg")
    signature = signing.detached(content, asked.key)
    kept = out.with_name(f"{out.name}.asc")
    if out != asked.file:
        placing.write(out, content)
    placing.write(kept, signature)
    if not asked.send:
        return told(Exit.OK, "signed", f"{out} and {kept}", file=str(out), signature=str(kept))
    return _handed_in(api_of(asked).send_notice(File(out.name, content), File(kept.name, signature)))


def _send(asked: argparse.Namespace) -> int:
    step("Handing it in")
    return _handed_in(api_of(asked).send_notice(*_both(asked)))


def _hand_in(asked: argparse.Namespace) -> int:
    step("Handing it in")
    return _handed_in(api_of(asked, token=False).hand_in_distress(*_both(asked)))


def _both(asked: argparse.Namespace) -> tuple[File, File | None]:
    return File.read(asked.file), File.read(asked.signature) if asked.signature else None


_ABOUT_A_CA = ("certificate_revocation", "ca_revocation")


def _handed_in(answer: Answer) -> int:
    """Print what the portal answered; a notice that is shown and not acted on has an exit code of its own."""
    body = answer.body
    label, effective = body.get("notice"), body.get("effective_at")
    if body.get("accepted") is True:
        again = "It was handed in before. " if answer.replayed else ""
        said = f"{again}{label}, in effect from {effective}; to be acknowledged by {body.get('acknowledge_by')}."
        if body.get("matched") is False and body.get("kind") in _ABOUT_A_CA:
            unknown = f"{said} It changes no trust store: the portal does not know the CA that it names."
            fix = "Name the CA by its digest, --set certificate_issuer_sha256=…, and call your partner now."
            return told(Exit.OK, "accepted", unknown, fix=fix, notice=label, replayed=answer.replayed, answer=body)
        return told(Exit.OK, "accepted", said, notice=label, replayed=answer.replayed, answer=body)
    said = f"{label} is shown to your partner, and nothing happens: they have not verified your key by phone."
    fix = "Call them now, on a number from the directory, and let them verify the key."
    return told(Exit.NOT_ACTED_ON, "shown_only", said, fix=fix, notice=label, replayed=answer.replayed, answer=body)


def _distress(asked: argparse.Namespace) -> int:
    at = now()
    about = notices.about_certificate(content_of(asked.certificate))
    members = notices.compose(
        "ca_revocation",
        issuer=asked.issuer,
        partner=asked.partner,
        now=at,
        members={**about, "revocation_reason": asked.reason, **notices.in_advance(at, asked.days)},
    )
    content = notices.canonical(members)
    step("Waiting for gpg")
    signature = signing.detached(content, asked.key)
    try:
        asked.out.mkdir(mode=0o700)
    except OSError as error:
        raise Stop(Exit.NOT_WRITTEN, f"The folder cannot be made: {error}", "Name a new folder.") from error
    placing.write(asked.out / "notice.json", content, mode=0o600)
    placing.write(asked.out / "notice.json.asc", signature, mode=0o600)
    placing.write(asked.out / "READ-ME-FIRST.txt", _instructions(asked, members).encode(), mode=0o600)
    return told(Exit.OK, "prepared", f"{asked.out}, good until {members['valid_until']}. Keep it offline.")


def _instructions(asked: argparse.Namespace, members: dict[str, Any]) -> str:
    door = f"{asked.portal.rstrip('/')}/api/v1/distress-notices"
    return f"""Distress notice of {members["issuer"]} to {members["partner"]}

It revokes this CA, at once and for good:
    {plain(str(members.get("certificate_name", "")))}
    SHA-256 {members["certificate_sha256"]}
Good until {members["valid_until"]}. It takes effect once. Whoever holds these two files can hand it in, without any login:
keep them as you keep the key to the building.

To hand it in, on any machine with a network:
    trustx notice hand-in notice.json --signature notice.json.asc --portal {asked.portal}
or
    curl -fsS -F notice=@notice.json -F signature=@notice.json.asc {door}
or on the portal's page /distress/.

It works only while {asked.partner} has verified the OpenPGP key {asked.key} by phone. Make a new one when you change that key
or the CA, and before {members["valid_until"][:10]}. The way back is a new signed bundle, which two people of your partner approve.
"""


def _show(asked: argparse.Namespace) -> int:
    api = api_of(asked)
    text, signer = None, None
    if asked.json or asked.partner_fingerprint:
        shown = api.notice(asked.label)
        text, signer = _checked(asked, shown)
    if asked.json:
        out(json.dumps(shown, indent=2))
        return Exit.OK
    out(plain(api.notice_text(asked.label)), end="")
    if signer and text is not None:
        # The page above is the portal's word; this is the partner's.
        out(f"\nChecked here: {signer} signed exactly this:")
        for name, value in notices.read(text).items():
            out(f"  {plain(name):<28}{plain(value if isinstance(value, str) else json.dumps(value))}")
    return Exit.OK


def _checked(asked: argparse.Namespace, shown: dict[str, Any]) -> tuple[bytes | None, str | None]:
    """Return the signed text of a notice and the pinned key that signed it, None where that is not known. Raises Stop."""
    if shown.get("label") != asked.label:
        raise Stop(
            Exit.REFUSED,
            f"The portal answered with the notice {shown.get('label')!r}.",
            "Is this the portal's address?",
        )
    pinned = ["".join(each.split()).lower() for each in asked.partner_fingerprint]
    if pinned and not asked.partner_keys:
        raise Stop(Exit.USAGE, "Give the partner's public keys with --partner-keys.")
    keys = content_of(asked.partner_keys) if asked.partner_keys else b""
    return notices.payload_of(shown, pinned=pinned, keys=keys)


def _acknowledge(asked: argparse.Namespace) -> int:
    api = api_of(asked)
    step("Reading the notice")
    shown = api.notice(asked.label)
    _, signer = _checked(asked, shown)
    if asked.unsigned:
        found = api.answer(asked.label, asked.answer, asked.message)
        return _answered(asked, found, signer)
    evidence = content_of(asked.evidence) if asked.evidence else None
    members = notices.acknowledgement(shown, asked.answer, now=now(), message=asked.message, evidence=evidence)
    content = notices.canonical(members)
    step("Waiting for gpg")
    signature = signing.detached(content, asked.key)
    if asked.out:
        placing.write(asked.out, content)
        placing.write(asked.out.with_name(f"{asked.out.name}.asc"), signature)
    found = api.acknowledge(asked.label, File("answer.json", content), File("answer.json.asc", signature))
    return _answered(asked, found, signer)


def _answered(asked: argparse.Namespace, found: dict[str, Any], signer: str | None) -> int:
    first = found.get("first") is True
    by = found.get("acknowledged_by")
    said = f"{asked.label} is {str(found.get('state')).replace('_', ' ')}."
    if not first and by:
        said += f" {by} was first, at {found.get('acknowledged_at')}."
    return told(Exit.OK, asked.answer, said, notice=asked.label, first=first, signed_by=signer, answer=found)
