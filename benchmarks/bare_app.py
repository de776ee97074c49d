"""The least that an application can do on the portal's server: known bytes with the portal's headers, and no token asked.

It is asked for every request, as applications are. That the portal is quicker comes from answering repeated requests before that.
"""

import os
from pathlib import Path

FOLDER = Path(os.environ["MEASURED_FILES"])
FILES = {f"/{each.name}": each.read_bytes() for each in FOLDER.iterdir()}
COMMON = [
    (b"etag", b'"measured"'), (b"cache-control", b"private, no-cache"),
    (b"vary", b"Accept-Encoding, Authorization, Cookie"), (b"trust-store-version", b"1"), (b"request-id", b"0" * 16),
    (b"content-location", b"/api/v1/trust-stores/measured/versions/1.pem"),
]  # fmt: skip
FULL = {
    path: [(b"content-type", b"application/x-pem-file"), (b"content-length", str(len(content)).encode()), *COMMON]
    for path, content in FILES.items()
}


class Bare:
    """Answers with 304 to whoever sends a tag, with the bytes to everybody else."""

    class fast_path:
        """Remembers nothing."""

        again = staticmethod(lambda request: None)

    async def __call__(self, scope, receive, send):
        """Answer one request."""
        if any(name == b"if-none-match" for name, _ in scope["headers"]):
            await send({"type": "http.response.start", "status": 304, "headers": COMMON})
            await send({"type": "http.response.body", "body": b""})
            return
        path = scope["path"]
        await send({"type": "http.response.start", "status": 200, "headers": FULL[path]})
        await send({"type": "http.response.body", "body": FILES[path]})


application = Bare()
