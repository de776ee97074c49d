"""The embedded broker: kombu's filesystem transport, with messages that appear whole.

kombu (5.7) opens a message's file under its final name and writes it afterwards, so a worker that looks at that moment takes an
empty file and ends with a JSON error; the table of queues has the same weakness when two processes start at once. Here both are
written aside and renamed into place, which is atomic.
"""

import fcntl
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

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None) -> None:
        file = self._exchange_file(exchange)  # type: ignore[attr-defined]
        self.control_folder.mkdir(exist_ok=True)
        value = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with open(self.control_folder / "lock", "ab") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            known = self.get_table(exchange)
            if value in known:
                return
            aside = file.with_name(f"{file.name}.part")
            aside.write_bytes(str_to_bytes(dumps([value, *known])))
            aside.replace(file)

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
