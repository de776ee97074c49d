"""The night page for a terminal: the same facts as the browser's, as plain text."""

from datetime import datetime

from django.conf import settings

from notifications.acknowledgements.showing import View
from portal.words import exact, groups

WIDTH = 12


def text(view: View, now: datetime) -> str:
    """Return a notice as text: what happened, how long is left, what to do with which command, who was told."""
    notice = view.notice
    lines = [view.page_title, "=" * min(len(view.page_title), 78), ""]
    if notice.rehearsal:
        lines += ["REHEARSAL. Nothing here is real; the clocks are.", ""]
    lines += [view.heading]
    if view.left:
        lines += [f"{view.left}. Acknowledge by {exact(notice.acknowledge_by)}."]
    if view.next:
        lines += [view.next]
    lines += ["", *_facts(view), ""]
    if view.tasks:
        lines += ["What to do:"]
        for number, task in enumerate(view.tasks, start=1):
            mark = {"done": "done", "now": "NOW", "after": "then"}[task.state]
            lines += [f"  {number}. [{mark}] {_plain(task.title)}"] + (
                [f"     {_plain(task.sentence)}"] if task.sentence else []
            )
        lines += ["", *_commands(view), ""]
    lines += ["Delivery and acknowledgement (UTC):"]
    for row in view.timeline:
        moment = f"{row.at:%d %b %H:%M:%S}"
        lines += [
            f"  {moment}  {'... ' if row.future else ''}{_plain(' '.join(filter(None, [row.strong, row.sentence])))}"
        ]
        lines += [f"      {_plain(each)}" for each in row.people]
    lines += ["", "Numbers to call are in the directory and on your printed runbook, never in a notice.", ""]
    return "\n".join(lines)


def _facts(view: View) -> list[str]:
    notice = view.notice
    facts = [("Notice", f"{notice.label}, {notice.state}"), ("From", notice.sender.name), ("To", notice.receiver.name)]
    if notice.certificate:
        facts.append(("Certificate", notice.certificate.subject))
        parts = groups(notice.certificate.sha256)
        facts += [("SHA-256", " ".join(parts[:8])), ("", " ".join(parts[8:]))]
    serial = notice.says.get("certificate_serial")
    if serial:
        facts.append(("Serial", serial))
    if view.reason:
        facts.append(("Reason", view.reason))
    facts.append(("Effective", exact(notice.effective_at)))
    facts.append(("Marking", notice.says.get("tlp", "TLP:AMBER")))
    facts.append(("Signed by", f"{notice.signer_fingerprint.upper()}"))
    believed = "verified by phone" if notice.key_verified else "NOT VERIFIED: do not act on this alone"
    if view.call and view.call.ended_at:
        believed += f" on {exact(view.call.ended_at)}"
    facts.append(("That key", believed))
    return [f"  {name:<{WIDTH}}{_plain(value)}" for name, value in facts]


def _commands(view: View) -> list[str]:
    url = f"{settings.BASE_URL}/api/v1/notices/{view.notice.label}"
    return [
        "From here, with a token that may acknowledge:",
        f'  curl -fsS -H "Authorization: Bearer $TOKEN" --json \'{{"answer":"acknowledged"}}\' {url}/acknowledgement',
        f'  curl -fsS -H "Authorization: Bearer $TOKEN" -H "Accept: text/plain" {url}',
        f"In a browser: {settings.BASE_URL}/n/{view.notice.label}",
    ]


def _plain(value: str) -> str:
    """Return text that cannot move the cursor of a terminal, whoever wrote it."""
    return "".join(each if each.isprintable() else " " for each in value)
