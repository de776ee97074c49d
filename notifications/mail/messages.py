"""The mail that tells a person of an event: text and HTML, with no link that acts, nothing that tracks, and no number to call."""

import re
from dataclasses import dataclass, field
from datetime import UTC
from email.headerregistry import Address
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import format_datetime, parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from notifications.deliveries.models import Delivery
from notifications.mail import mime, openpgp, return_path
from notifications.mail.keys import SigningKey
from portal import words

_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.-]+")
_SHA256 = re.compile(r"([0-9A-F]{4} ){15}[0-9A-F]{4}")
CANNOT_ACT = "This email cannot do anything by itself."


@dataclass(frozen=True)
class Item:
    """One line of a daily mail: what happened, when, and where it is read."""

    subject: str
    when: str
    next: str
    path: str


@dataclass(frozen=True)
class Content:
    """What the mail says: a subject, lines of facts, what to do, and the page where that is done."""

    subject: str
    facts: tuple[tuple[str, str], ...]
    path: str
    lead: str = ""
    opening: str = ""  # of the first step, after the address: " and sign in."; empty when nothing is asked
    steps: tuple[str, ...] = ()  # that follow
    dated: bool = True  # the moment of the event is one of the facts
    caution: str = CANNOT_ACT
    call: str = "your partner"  # whom to call when one cannot sign in; never with a number
    # Name, bytes and media type of each attachment: a partner's signed words as they are.
    attachments: tuple[tuple[str, bytes, str], ...] = ()
    items: tuple[Item, ...] = ()  # of a daily mail
    more: int = 0  # how many items are in the inbox besides
    threaded: bool = True


@dataclass(frozen=True)
class Recipient:
    """To whom a mail goes, and the OpenPGP key to encrypt it to, if there is one."""

    name: str
    address: str
    key: str = ""


@dataclass(frozen=True)
class Line:
    """A label and what stands beside it; a long fingerprint takes two lines."""

    label: str
    lines: tuple[str, ...] = field(default=())


class Ready(EmailMessage):
    """A mail that is finished, as bytes: Django only carries it."""

    def __init__(self, wire: bytes, **fields: object) -> None:
        super().__init__(**fields)  # type: ignore[arg-type]
        self.wire = wire

    def message(self) -> "Wire":  # type: ignore[override]
        return Wire.of(self.wire)


class Wire(Message):
    """What Django's backends ask for bytes. Nothing is folded or encoded anew, since that would break the signature."""

    wire = b""

    @classmethod
    def of(cls, wire: bytes) -> "Wire":
        """Return the mail with its headers readable."""
        found = BytesHeaderParser(cls).parsebytes(wire)
        found.wire = wire
        return found

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\n", **_: object) -> bytes:  # type: ignore[override]
        """Return the bytes, with CRLF for a mail server."""
        return self.wire if linesep == "\r\n" else self.wire.replace(b"\r\n", linesep.encode())


def message_id(delivery: Delivery) -> str:
    """Return the ``Message-ID``: the same at each try, so that a receiver recognizes a repeat (RFC 5322 section 3.6.4)."""
    return f"<{delivery.pk}@{host()}>"


def thread_id(delivery: Delivery) -> str:
    """Return the id that all mails about one subject refer to, so that mail programs show them together."""
    event = delivery.event
    thread = _NOT_IN_AN_ID.sub("-", f"{event.subject_kind}-{event.subject_id}".strip("-")) or f"event-{event.sequence}"
    return f"<about-{thread}@{host()}>"


def compose(delivery: Delivery, content: Content, *, to: Recipient, key: SigningKey | None) -> Ready:
    """Return the mail for one person. The same delivery gives the same mail, whenever it is tried.

    It is signed with ``key``, and encrypted when the recipient has a key. When nothing can be encrypted to that key any more, the
    mail says so and tells only what its subject tells: what was meant to be read by one person is not sent in the open.
    """
    headers, token = _headers(delivery, content, to), delivery.pk.hex
    if to.key:
        try:
            wire = mime.encrypted(
                headers,
                _body(delivery, content, key),
                token=token,
                encrypt=lambda inner: openpgp.encrypt(
                    inner, to=to.key, private_block=key.private_block if key else None
                ),
            )
        except openpgp.CannotEncrypt as problem:
            wire = _open(headers, _body(delivery, _withheld(content, str(problem)), key), token, key)
    else:
        wire = _open(headers, _body(delivery, content, key), token, key)
    return Ready(
        wire,
        subject=headers["Subject"],
        to=[headers["To"]],
        from_email=return_path.address_for(delivery.pk) or settings.DEFAULT_FROM_EMAIL,
    )


def _open(headers: dict[str, str], body: mime.Body, token: str, key: SigningKey | None) -> bytes:
    if key is None:
        return mime.plain(headers, body, token=token)
    return mime.signed(
        headers,
        body,
        token=token,
        sign=lambda content: openpgp.sign(content, private_block=key.private_block),
        micalg=openpgp.MICALG,
    )


def _headers(delivery: Delivery, content: Content, to: Recipient) -> dict[str, str]:
    organization = delivery.organization
    headers = {
        "From": _from(),
        "To": str(Address(display_name=one_line(to.name), addr_spec=to.address)),
        "Subject": one_line(content.subject),
        "Date": format_datetime(delivery.created_at),
        "Message-ID": message_id(delivery),
    }
    if content.threaded:
        headers |= {"In-Reply-To": thread_id(delivery), "References": thread_id(delivery)}
    headers |= {
        # Keeps vacation answers away (RFC 3834 section 5; Exchange has a word of its own).
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"{one_line(organization.name)} <{organization.slug}.{host()}>",  # RFC 2919
        "List-Help": f"<{settings.BASE_URL}/profile/mail/>",
    }
    return headers | ({"Importance": "high"} if delivery.urgent else {})


def _body(delivery: Delivery, content: Content, key: SigningKey | None) -> mime.Body:
    when = f"{delivery.event.at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
    facts = (*content.facts, ("When", when)) if content.dated else content.facts
    context = {
        "content": content,
        "lines": [_line(label, text) for label, text in facts],
        "width": max((len(label) for label, _ in facts), default=0),
        "organization": delivery.organization,
        "base_url": settings.BASE_URL,
        "url": settings.BASE_URL + content.path,
        "settings_url": f"{settings.BASE_URL}/profile/mail/",
        "signed_by": words.spaced(key.fingerprint) if key else "",
        "check_url": f"{settings.BASE_URL}/docs/mail/",
    }
    return mime.Body(
        text=render_to_string("notifications/mail/event.txt", context),
        html=render_to_string("notifications/mail/event.html", context),
        attachments=content.attachments,
    )


def _withheld(content: Content, reason: str) -> Content:
    """Return what may be said in the open to somebody who wants encrypted mail."""
    return Content(
        subject=content.subject,
        lead="The rest is not in this email, since it cannot be encrypted to your OpenPGP key any more. "
        "Give the portal a key that is in force.",
        facts=(("Your key", reason),),
        path=content.path,
        caution=content.caution,
        call=content.call,
        threaded=content.threaded,
    )


def _line(label: str, text: str) -> Line:
    if _SHA256.fullmatch(text):
        middle = len(text) // 2
        return Line(label, (text[:middle].strip(), text[middle:].strip()))
    return Line(label, (text,))


def _from() -> str:
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return str(Address(display_name=name, addr_spec=address))


def host() -> str:
    """Return the name after the @ of the portal's message ids."""
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def one_line(text: str) -> str:
    """Return a text as one line that can be printed."""
    # Names come from people of other companies; a line feed in one must not become a header.
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
