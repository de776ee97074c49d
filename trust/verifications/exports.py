"""The record as files: one JSON document with all parts and the lines of the log, and one page of PDF."""

import json
from datetime import datetime
from typing import Any

from fpdf import FPDF

from portal.audit.models import Event
from trust.verifications import groups, rules
from trust.verifications.models import Verification, VerificationRecord

_WIDTH = 190  # of an A4 page inside its margins, in mm
_ALGORITHMS = {"sha1": "SHA-1", "sha256": "SHA-256"}


def parts(call: Verification) -> dict[str, VerificationRecord]:
    """Return the written parts of the record by name: "call" and, once decided, "decision"."""
    return {written.part: written for written in call.records.all()}


def events(call: Verification) -> list[dict[str, Any]]:
    """Return the lines of the log about a call, each with its place in the chain."""
    found = Event.objects.filter(subject_kind="verification", subject_id=str(call.pk)).order_by("sequence")
    return [event.facts() | {"previous_hash": event.previous_hash, "hash": event.hash} for event in found]


def evidence(call: Verification) -> bytes:
    """Return everything there is about a call as one JSON file, for reading; its parts are what is hashed and signed."""
    document = {
        "parts": {name: {"sha256": each.sha256, "document": each.document} for name, each in parts(call).items()},
        "signatures": [
            {
                "role": signed.role,
                "name": signed.user.name,
                "key_fingerprint": signed.fingerprint,
                "key_in_directory": signed.in_directory,
                "signature": signed.signature,
                "public_key": signed.key_block,
                "at": signed.at.isoformat(),
            }
            for signed in call.signatures.select_related("user")
        ],
        "statements": [
            {
                "organization": each.organization.name,
                "by": each.by.name,
                "at": each.at.isoformat(),
                "text": each.text,
            }
            for each in call.statements.select_related("organization", "by")
        ],
        "events": events(call),
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def statement(document: dict[str, Any]) -> str:
    """Return what happened in a call, in a sentence or two, from its document."""
    call, totals = document["call"], document["totals"]
    day = _day(call["started_at"])
    who = f"On {day} {_name(document['verifier'])} called {call['contact']} on {call['number_dialed']}"
    if call["continues"]:
        who = f"On {day}, in the same phone call as verification {call['continues']}, {_name(document['verifier'])}"
        if document["outcome"] == "recorded":
            who += f" listened to {_name(document['reader'])}"
    match document["outcome"]:
        case "recorded":
            wrong = totals["mismatches"]
            after = f" after {wrong} correction{'s' if wrong != 1 else ''}" if wrong else ""
            return f"{who} and typed the fingerprint that was read. All {totals['groups']} groups matched{after}."
        case "mismatch":
            return f"{who} and typed what was read. The fingerprints are different. {call['note']}"
    reason = rules.STOP_LABELS[rules.StopReason(call["ended_because"])]
    return f"{who}. The call was stopped and nothing was verified: {reason[0].lower()}{reason[1:]}."


def _name(person: dict[str, str] | None) -> str:
    return person["name"] if person else "nobody"


def _day(stamp: str | None) -> str:
    moment = datetime.fromisoformat(stamp) if stamp else None
    return f"{moment.day} {moment:%b %Y}" if moment else "an unknown day"


def facts(call: Verification) -> list[tuple[str, str]]:
    """Return the record as rows of a label and a value, for the page and the PDF."""
    written = parts(call)
    document = written["call"].document
    item, about, line = document["item"], document["source"], document["call"]
    totals = document["totals"]
    fingerprint = item["fingerprint"]
    rows = [
        ("Verification", f"{document['number']}{' · REHEARSAL' if document['rehearsal'] else ''}"),
        ("Identifier", document["id"]),
        ("Outcome", rules.CALL_LABELS[rules.CallState(document["outcome"])]),
        ("Item", f"{item['label']} ({item['kind'].replace('_', ' ')})"),
        ("Fingerprint", f"{_ALGORITHMS[item['algorithm']]} {spaced(fingerprint)}" if fingerprint else "Not verified"),
        ("Came with", about["label"]),
        ("Relying organization", document["organizations"]["relying"]["name"]),
        ("Owner", document["organizations"]["owner"]["name"]),
        ("Verifier", _person(document["verifier"])),
        ("Reader", _person(document["reader"])),
        ("Number dialed", f"{line['number_dialed']}, directory entry {line['directory_entry']}"),
        ("Started and ended", f"{_moment(line['started_at'])} to {_moment(line['ended_at'])}"),
        ("Call code", _code(line)),
        ("Read from", _source(line)),
        ("Groups", _groups(document)),
        ("Pauses", str(len(line["pauses"]))),
        ("Pasted", f"{totals['pasted']} group{' was' if totals['pasted'] == 1 else 's were'} pasted"),
        ("Script", line["script"]),
    ]
    if "decision" in written:
        decision = written["decision"].document
        rows += [
            (
                "Decision",
                f"{decision['decision'].capitalize()} by {_person(decision['by'])} on {_moment(decision['at'])}",
            ),
            ("Reason", decision["reason"]),
        ]
    return rows


def spaced(fingerprint: str) -> str:
    """Return a fingerprint in groups of four."""
    count = groups.group_count(fingerprint)
    return " ".join(groups.group_of(fingerprint, index).upper() for index in range(1, count + 1))


def _person(person: dict[str, str] | None) -> str:
    if person is None:
        return "Nobody"
    details = ", ".join(each for each in (person["role"], person["sign_in"]) if each)
    return f"{person['name']} ({details})" if details else person["name"]


def _moment(stamp: str | None) -> str:
    return f"{_day(stamp)}, {stamp[11:19]} UTC" if stamp else "never"


def _code(line: dict[str, Any]) -> str:
    if not line["code_matched_at"]:
        return f"Not matched, {line['code_misses']} wrong"
    misses = line["code_misses"]
    return f"Matched on {_moment(line['code_matched_at'])}, {f'after {misses} wrong' if misses else 'at the first try'}"


def _source(line: dict[str, Any]) -> str:
    if not line["reads_from"]:
        return "Not named"
    label = rules.SOURCE_LABELS[rules.Source(line["reads_from"])]
    return f"{label}: {line['reads_from_note']}" if line["reads_from_note"] else label


def _groups(document: dict[str, Any]) -> str:
    totals = document["totals"]
    retried = [str(each["index"]) for each in document["groups"] if each["tries"] > 1]
    again = f"; more than one try for group {', '.join(retried)}" if retried else ""
    return f"{totals['matched']} of {totals['groups']} matched, {totals['mismatches']} mismatches{again}"


def pdf(call: Verification) -> bytes:
    """Return the record as one page of PDF, for people; what counts is the JSON, whose digests it prints."""
    written = parts(call)
    page = FPDF(format="A4")
    page.set_creation_date(written["call"].at)
    page.set_title(f"Verification {call.number}")
    page.set_auto_page_break(auto=False)
    page.add_page()
    page.set_font("Helvetica", "B", 15)
    _write(page, f"Verification record {call.number}", 9)
    page.set_font("Helvetica", "", 10)
    _write(page, statement(written["call"].document), 5)
    page.ln(3)
    for label, value in facts(call):
        page.set_font("Helvetica", "B", 8.5)
        top = page.get_y()
        page.cell(42, 4.6, _latin(label))
        page.set_font("Courier" if label == "Fingerprint" else "Helvetica", "", 8.5)
        page.set_xy(page.l_margin + 42, top)
        _write(page, value, 4.6, width=_WIDTH - 42)
        page.ln(0.8)
    page.ln(2)
    page.set_font("Courier", "", 7.5)
    for name, each in written.items():
        _write(page, f"SHA-256 of the {name} document: {each.sha256}", 4)
    for signed in call.signatures.select_related("user"):
        _write(page, f"Signed by the {signed.role}, {signed.user.name}: key {signed.fingerprint}", 4)
    page.set_font("Helvetica", "", 7.5)
    page.ln(1)
    _write(page, "This page is a picture of the record. Check the JSON file: its bytes have the digest above.", 4)
    return bytes(page.output())


def _write(page: FPDF, text: str, height: float, width: float = _WIDTH) -> None:
    page.multi_cell(width, height, _latin(text), align="L", new_x="LMARGIN", new_y="NEXT")


def _latin(text: str) -> str:
    """Return ``text`` with what the built-in fonts lack written as escapes, so that nothing is left out silently."""
    plain = text.replace("…", "...").replace("·", "-").replace("“", '"').replace("”", '"').replace("’", "'")
    return plain.encode("latin-1", "backslashreplace").decode("latin-1")
