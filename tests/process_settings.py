"""Settings for tests that start real processes: the portal's own, with tables made without migrations."""

import os

from portal.settings import *  # noqa: F403

# The same shortcut as pytest's --nomigrations, for the processes that it does not reach.
MIGRATION_MODULES = dict.fromkeys(("portal", "trust", "notifications"))
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
EMAIL_TIMEOUT = 30
if os.environ.get("TEST_CLOCK_FILE"):
    from tests.makers import clock

    clock.follow(os.environ["TEST_CLOCK_FILE"])
