"""A real mail server on a free port, which can be told to hang."""

import asyncio
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller

from tests.makers.running import free_port


class Sink:
    """Takes mail and keeps it; while ``hanging`` is set it lets senders wait after the message, as a stuck server does."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.senders: list[str] = []  # of the envelopes
        self.raw: list[bytes] = []  # what came over the wire
        self.hanging = threading.Event()
        self.someone_waits = threading.Event()
        self.refusal = ""
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    def __enter__(self) -> "Sink":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        """Return the port at which the server listens."""
        return self._controller.port

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.refusal:
            return self.refusal
        if self.hanging.is_set():
            self.someone_waits.set()
            while self.hanging.is_set():
                await asyncio.sleep(0.05)
            return "451 too late"
        self.recipients += envelope.rcpt_tos
        self.senders.append(envelope.mail_from)
        self.raw.append(envelope.content)
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    def to(self, address: str) -> list[bytes]:
        """Return the mails to one address as they came over the wire."""
        return [raw for raw, taken in zip(self.raw, self.recipients, strict=True) if taken == address]

    def ids(self) -> list[str]:
        """Return the Message-ID of each mail that was taken, in order."""
        return [str(each["Message-ID"]) for each in self.messages]
