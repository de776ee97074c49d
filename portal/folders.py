"""The embedded broker: kombu's filesystem transport, with messages that appear whole.

kombu (5.7) opens a message's file under its final name and writes it afterwards, so a worker that looks at that moment takes an
empty file and ends with a JSON error. Here the message is written aside and renamed into place, which is atomic.
"""

import os
import time
import uuid
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps

SCHEME = "folders"


class Channel(filesystem.Channel):
    """A channel whose messages are never seen half-written."""

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        # The worker only looks at names that end in the queue's own, so it does not see this one.
        aside = os.path.join(self.data_folder_out, f"{name}.part")
        try:
            with open(aside, "xb") as file:
                file.write(str_to_bytes(dumps(payload)))
            os.rename(aside, os.path.join(self.data_folder_out, name))
        except OSError as error:
            raise ChannelError(f"Cannot add a message to {self.data_folder_out}: {error}") from error


class Transport(filesystem.Transport):
    """The transport behind ``folders://``."""

    Channel = Channel


def register() -> None:
    """Let Celery know the scheme; called where the Celery application is made."""
    TRANSPORT_ALIASES[SCHEME] = "portal.folders:Transport"
