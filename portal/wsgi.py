"""The WSGI door: pulls of trust stores are answered in front of Django, everything else by Django."""

import os

from django.core.wsgi import get_wsgi_application

from portal.operations import bound

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
if os.environ.get("EXCHANGE_BOUND"):
    # Below `manage.py serve` the server's worker must not outlive the server: it would keep the port.
    bound.bind(os.getppid())
django_application = get_wsgi_application()

# Only now are the models that the fast path reads ready to be imported.
from trust.stores.serve.fastpath import FastPath  # noqa: E402

application = FastPath(django_application)
