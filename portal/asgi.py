"""The ASGI door, for a process of its own that holds waiting consumers; every other request is answered by Django as well."""

import os

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_asgi_application()

# Only now are the models that the doors read ready to be imported.
from trust.stores.serve.fastpath import FastPath  # noqa: E402
from trust.stores.serve.waiting import WaitingDoor  # noqa: E402

application = WaitingDoor(django_application, FastPath(get_wsgi_application()))
