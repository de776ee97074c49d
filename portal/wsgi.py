"""The WSGI door: pulls of trust stores are answered in front of Django, everything else by Django."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_wsgi_application()

# Only now are the models that the fast path reads ready to be imported.
from trust.stores.serve.fastpath import FastPath  # noqa: E402

application = FastPath(django_application)
