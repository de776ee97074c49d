"""The portal with an address more, ``/slow``, that takes a tenth of a second, as a slow page does."""

import time

from portal.server.pages import Pages
from portal.wsgi import application as portal
from trust.stores.serve.door import Door

SLOW = 0.1  # seconds


def pages(environ, start_response):
    """Answer slowly at ``/slow``, and as the portal does everywhere else."""
    if environ["PATH_INFO"] != "/slow":
        return portal(environ, start_response)
    time.sleep(SLOW)
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]


application = Door(Pages(pages), portal)
