"""What a container's health check runs: ``python -m portal.operations.probe``. Needs nothing of Django.

Asks this machine's own web process by the name that the portal answers to, since it refuses other names.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit


def web(port: int) -> bool:
    """Say whether the web process at ``port`` answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    name = urlsplit(os.environ.get("BASE_URL", "")).netloc or "127.0.0.1"
    try:
        connection.request("GET", "/healthz", headers={"Host": name, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if web(int(os.environ.get("PORT", "8000"))) else 1)
