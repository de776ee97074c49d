"""``trustx sign``, ``check``, ``submit`` and ``status``: for a partner's pipeline."""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

from trustx import placing, signing
from trustx.api import UNDECIDED, File
from trustx.options import api_of, command, reaches_portal, seconds
from trustx.saying import out, plain, say, step, told
from trustx.stops import Exit, Stop

# What each severity of a finding ends with, heaviest first.
BY_SEVERITY = {"refuse": Exit.REFUSED, "problem": Exit.PROBLEMS, "warning": Exit.WARNINGS, "note": Exit.WARNINGS}
_SEVERITIES = tuple(BY_SEVERITY)


def add(acts: Any) -> None:
    """Add the commands about bundles."""
    sign = command(
        acts, "sign", _sign, "Sign a bundle with gpg, detached.", "trustx sign bundle.zip --key '1F29 C82A …'"
    )
    sign.add_argument("file", type=Path, help="What is to be signed.")
    sign.add_argument("--key", required=True, help="The full fingerprint.")
    check = command(
        acts,
        "check",
        _check,
        "Say what the portal would find about a bundle. Nothing is kept, nobody is told.",
        """trustx check bundle.zip --partnership halden-meridian --portal https://portal.example --token-file token
trustx check bundle.zip --signature bundle.zip.asc --partnership halden-meridian --fail-on warning
trustx check bundle.zip --partnership halden-meridian --sarif findings.sarif""",
    )
    check.add_argument("file", type=Path, help="The bundle: PEM, DER, PKCS #7, zip or tar.")
    check.add_argument("--signature", type=Path, help="Without it the signature is left out of the check.")
    check.add_argument("--partnership", required=True, help="Its short name, as in the portal's addresses.")
    check.add_argument(
        "--fail-on",
        choices=_SEVERITIES,
        default="problem",
        help="End with something else than 0 from this severity on (default: problem).",
    )
    form = check.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="Print the portal's whole report as one JSON document.")
    form.add_argument(
        "--sarif",
        nargs="?",
        type=Path,
        const=Path("-"),
        metavar="FILE",
        help="Write SARIF 2.1.0; without FILE, print it.",
    )
    submit = command(
        acts,
        "submit",
        _submit,
        "Hand a signed bundle in.",
        """trustx sign bundle.zip --key '1F29 C82A …'
trustx submit bundle.zip --signature bundle.zip.asc --partnership halden-meridian""",
    )
    submit.add_argument("file", type=Path, help="The bundle: PEM, DER, PKCS #7, zip or tar.")
    submit.add_argument("--signature", type=Path, help="Not needed when the file is signed itself.")
    submit.add_argument("--partnership", required=True, help="Its short name, as in the portal's addresses.")
    submit.add_argument("--environment", default="", help="Such as test; without it and a manifest, production.")
    submit.add_argument(
        "--purpose",
        choices=["both", "server", "client"],
        default="",
        help="What the CAs are for: your servers, your clients, or (without it and a manifest) both.",
    )
    status = command(
        acts,
        "status",
        _status,
        "Say what became of a submission.",
        "trustx status 0198… --wait 3600   # until it is decided",
    )
    status.add_argument("id", type=UUID, help="As submit printed it.")
    status.add_argument(
        "--wait",
        type=seconds,
        default=0,
        metavar="SECONDS",
        help=f"For a decision; when there is none by then, end with {int(Exit.UNDECIDED)}.",
    )
    for each in (check, submit, status):
        reaches_portal(each)


def _sign(asked: argparse.Namespace) -> int:
    return told(Exit.OK, "signed", str(signing.file(asked.file, asked.key)))


def _check(asked: argparse.Namespace) -> int:
    bundle = File.read(asked.file)
    signature = File.read(asked.signature) if asked.signature else None
    step(f"Checking {bundle.name}")
    found = api_of(asked).check(asked.partnership, bundle, signature, sarif=bool(asked.sarif))
    severities = _severities(found, sarif=bool(asked.sarif))
    code = exit_code(severities, asked.fail_on)
    text = json.dumps(found, indent=2) + "\n"
    if asked.json or asked.sarif == Path("-"):
        out(text, end="")
        return code
    if asked.sarif:
        placing.write(asked.sarif, text.encode())
    else:
        _list(found["findings"])
    counts = Counter(severities)
    said = ", ".join(_times(counts[each], each) for each in _SEVERITIES if counts[each]) or "Nothing to say."
    outcome = found.get("outcome") or ("refused" if counts["refuse"] else "problems" if counts["problem"] else "passed")
    more = {"signature": found["signature"]} if "signature" in found else {}
    return told(code, outcome, said, counts=dict(counts), **more)


def _severities(found: dict[str, Any], *, sarif: bool) -> list[str]:
    """Return the severity of each finding of a report. Raises Stop for what is no report: no findings are no pass then."""
    try:
        if sarif:
            return [str(each["properties"]["severity"]) for run in found["runs"] for each in run["results"]]
        for each in found["findings"]:
            _ = each["sentence"], each["code"]
        return [str(each["severity"]) for each in found["findings"]]
    except (KeyError, TypeError) as error:
        raise Stop(Exit.REFUSED, "The portal's answer is no report.", "Is this the portal's address?") from error


def exit_code(severities: list[str], fail_on: str) -> Exit:
    """Return the exit code for findings of these severities: that of the heaviest, or OK when it is lighter than asked."""
    counted = _SEVERITIES[: _SEVERITIES.index(fail_on) + 1]
    heaviest = next((each for each in counted if each in severities), None)
    return BY_SEVERITY[heaviest] if heaviest else Exit.OK


def _times(count: int, severity: str) -> str:
    word = "refusal" if severity == "refuse" else severity
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _list(findings: list[dict[str, Any]]) -> None:
    """Print every finding: as a paragraph on terminals, as a JSON line otherwise."""
    for each in findings:
        if not sys.stdout.isatty():
            out(json.dumps({"finding": each}))
            continue
        out(f"{each['severity']}: {plain(each['sentence'])}")
        more = " ".join(part for part in (each.get("fix"), f"({each['source']})" if each.get("source") else "") if part)
        out(f"  {plain(more)}\n  {each['code']}" if more else f"  {each['code']}")


def _submit(asked: argparse.Namespace) -> int:
    step("Handing it in")
    signature = File.read(asked.signature) if asked.signature else None
    scope = {"environment": asked.environment, "purpose": asked.purpose}
    return _became(api_of(asked).submit(asked.partnership, File.read(asked.file), signature, **scope))


def _status(asked: argparse.Namespace) -> int:
    return _became(api_of(asked).submission(str(asked.id), until_decided=asked.wait, tell=step), waited=asked.wait > 0)


def _became(found: dict[str, Any], *, waited: bool = False) -> int:
    code = Exit.REFUSED if found.get("state") in ("refused", "quarantined", "withdrawn") else Exit.OK
    if waited and found.get("state") in UNDECIDED:
        code = Exit.UNDECIDED
    said = f"Submission {found.get('number')}, {found.get('id')}"
    shown = {"exit": int(code), "outcome": found.get("state"), "said": said, "fix": _use(found.get("uptake"))}
    say(shown | {"submission": found})
    return code


def _use(uptake: Any) -> str:
    """Return from when the CAs of an accepted submission can be used, as the portal says; empty for one that is not accepted."""
    if not isinstance(uptake, dict):
        return ""
    if uptake.get("complete"):
        return "It is safe to issue from its CAs: every service of your partner took them."
    if moment := uptake.get("safe_to_use_from"):
        return f"It is safe to issue from its CAs from {moment}, when the last service promised to pull."
    return "Ask your partner before you issue from its CAs: the portal cannot say that every service took them."
