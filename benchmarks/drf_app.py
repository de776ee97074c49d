"""What one would write without thinking: a DRF view that looks a token up by the ORM and returns bytes, on PostgreSQL.

Django's and DRF's defaults: the middleware of ``startproject``, ``rest_framework.authtoken``, persistent connections. Served by
gunicorn, with as many threads as the portal has.
"""

import os
import sys
from pathlib import Path

import environ
from django.conf import settings

if not settings.configured:
    database = environ.Env().db_url_config(os.environ["DATABASE_URL"]) | {"CONN_MAX_AGE": 600}
    settings.configure(
        DATABASES={"default": database},
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="measured",
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
            "django.contrib.messages", "rest_framework", "rest_framework.authtoken",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"]},
    )  # fmt: skip

import django

django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from rest_framework.authtoken.models import Token
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

TAG = '"measured"'


class Store(APIView):
    """The store, to whoever has a token."""

    permission_classes = [IsAuthenticated]

    def get(self, request, name):
        """Answer with the bytes, or with 304."""
        if request.headers.get("If-None-Match") == TAG:
            return HttpResponse(status=304, headers={"ETag": TAG})
        content = (Path(os.environ["MEASURED_FILES"]) / name).read_bytes()
        return HttpResponse(content, content_type="application/x-pem-file", headers={"ETag": TAG})


urlpatterns = [path("<slug:name>", Store.as_view())]
application = get_wsgi_application()

if __name__ == "__main__":
    call_command("migrate", verbosity=0, stdout=sys.stderr)
    user = get_user_model().objects.create_user("measured")
    print(Token.objects.create(user=user).key)
