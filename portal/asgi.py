"""The ASGI door, which the portal's server runs: pulls and those who wait for one on its loop, everything else in threads."""

import gc
import sys
from importlib import import_module

from django.conf import settings

from portal.server.pages import Pages
from portal.server.refused_page import draw
from portal.wsgi import application as pages
from trust.stores.serve.door import Door

# Seconds. A page that computes lets the loop go on sooner than by default: beside four of them three times as many pulls are
# answered.
sys.setswitchinterval(0.001)

# Only now are the settings there that it reads.
from portal import problems  # noqa: E402

application = Door(Pages(pages, draw=draw, document=problems.document), pages)
# Every view is loaded now, and not while the first page waits.
import_module(settings.ROOT_URLCONF)
# What is loaded stays. Python would look through all of it for garbage now and then, and nobody is answered for so long: a tenth of
# a second.
gc.collect()
gc.freeze()
