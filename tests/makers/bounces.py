"""Delivery status notifications as mail servers send them."""

from collections.abc import Iterable
from email import policy
from email.message import EmailMessage


def dsn(
    *,
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 User unknown",
    more: Iterable[tuple[str, str]] = (),
    note: str = "",
) -> bytes:
    """Return a report of one recipient, and of ``more`` with action and status each."""
    blocks = [
        f"Final-Recipient: rfc822; somebody@birch.example\r\nAction: {each}\r\nStatus: {code}\r\n"
        f"Diagnostic-Code: {diagnostic}\r\n"
        for each, code in ((action, status), *more)
    ]
    human = EmailMessage(policy=policy.SMTP)
    human.set_content(f"Your message could not be delivered. {note}\n")
    return (
        "From: MAILER-DAEMON@mx.birch.example\r\n"
        "To: bounces@portal.example\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\n" + human.as_string() + "\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.birch.example\r\n\r\n" + "\r\n".join(blocks) + "\r\n--b\r\n"
        "Content-Type: text/rfc822-headers\r\n\r\nSubject: whatever\r\n\r\n--b--\r\n"
    ).encode()
