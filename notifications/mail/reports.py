"""Reading a mail that came back: a delivery status notification (RFC 3464). Plain Python; everything in it is a stranger's text."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import Message

MAX_BYTES = 512 * 1024
MAX_PARTS = 50
MAX_SAID = 300
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")


class NotAReport(Exception):
    """The mail is no delivery status notification: a vacation answer, say, or spam."""


@dataclass(frozen=True)
class Report:
    """What a mail server reports of one recipient. ``status`` is the code of RFC 3463; ``said`` what its server answered."""

    action: str  # failed, delayed, delivered, relayed, expanded
    status: str
    said: str

    @property
    def failed(self) -> bool:
        """Say whether the mail came back for good at this try: a delay is no bounce."""
        return self.action == "failed"

    @property
    def permanent(self) -> bool:
        """Say whether the address itself is the trouble (5.x.x), rather than a full mailbox or a server away (4.x.x)."""
        return self.status.startswith("5")


def read(content: bytes) -> Report:
    """Return what the report says, of the worst of its recipients. Raises NotAReport."""
    if len(content) > MAX_BYTES:
        raise NotAReport("The mail is too large to be a report.")
    try:
        message = message_from_bytes(content, policy=policy.default)
        is_report = message.get_content_type() == "multipart/report"
        kind = str(message.get_param("report-type", "")).lower()
        parts = list(message.walk())[:MAX_PARTS] if is_report and kind == "delivery-status" else []
        blocks = [
            block for part in parts if part.get_content_type() == "message/delivery-status" for block in _blocks(part)
        ]
        found = [report for block in blocks if (report := _report(block)) is not None]
    except (MessageError, LookupError, ValueError, AttributeError, TypeError) as problem:
        raise NotAReport("The mail cannot be read.") from problem
    if not found:
        raise NotAReport("The mail is no delivery status notification.")
    return sorted(found, key=lambda report: (not report.failed, not report.permanent))[0]


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [each for each in payload[:MAX_PARTS] if isinstance(each, Message)] if isinstance(payload, list) else []


def _report(block: Message) -> Report | None:
    action = _plain(block.get("Action")).lower().split(" ")[0]
    if action not in ("failed", "delayed", "delivered", "relayed", "expanded"):
        return None
    status = _STATUS.search(_plain(block.get("Status")))
    # "smtp; 550 5.1.1 <ana@birch.example>: user unknown"
    said = _plain(block.get("Diagnostic-Code")).partition(";")[2].strip()
    return Report(action=action, status=status.group(0) if status else "", said=said[:MAX_SAID])


def _plain(value: object) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in str(value or "")).split())
