"""The ASGI door, which the portal's server runs: pulls and those who wait for one on its loop, everything else in threads."""

from portal.server.pages import Pages
from portal.wsgi import application as pages
from trust.stores.serve.door import Door

application = Door(Pages(pages), pages)
