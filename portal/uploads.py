"""Uploads stay in memory and are cut off at the limit: Django has no limit of its own on the size of a file."""

import base64
import binascii
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler

from portal import errors


def decoded(field: str, text: str) -> bytes:
    """Return the file that came as base64 in a field of JSON. Raises Invalid, which names the field."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        sentence = "This is not base64."
        raise errors.Invalid(f"{field}: {sentence}", code="not_base64", fields={field: [sentence]}) from error


class BoundedMemoryUploadHandler(MemoryFileUploadHandler):
    """Keeps a file in memory and refuses it at ``settings.UPLOAD_MAX_BYTES``.

    Nothing is ever written to a temporary file, since an upload may hold a private key that must not reach the disk.
    """

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        # The base class gives up on long requests and would leave the file to a handler that writes to disk.
        self.activated = True
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        # One byte more than the limit is let through so that the form can name the file and the limit itself.
        if self.received > settings.UPLOAD_MAX_BYTES * 2 + 65536:
            raise RequestDataTooBig("The upload is over the size limit.")
        super().receive_data_chunk(raw_data, start)
