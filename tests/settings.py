"""The portal's settings for tests: a database of their own, fast password hashing, mail in memory."""

import os
import tempfile
from pathlib import Path

_folder = Path(os.environ.get("EXCHANGE_DATA_DIR") or tempfile.mkdtemp(prefix="exchange-tests-"))
_worker = os.environ.get("PYTEST_XDIST_WORKER")
if _worker and _folder.name != _worker:
    # What processes of one machine share (the counters of what is served, the floor of versions) is no worker's but its own.
    _folder = _folder / _worker
    _folder.mkdir(exist_ok=True)
os.environ["EXCHANGE_DATA_DIR"] = str(_folder)

from portal.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = True
CELERY_TASK_ALWAYS_EAGER = False
# Hints go nowhere: what the sweep does is tested by calling it, and with real processes in tests/journeys.
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if REDIS_URL:  # noqa: F405
    CACHES["default"] = {
        "BACKEND": "tests.makers.caches.OwnRedisCache",
        "LOCATION": REDIS_URL,  # noqa: F405
        "KEY_PREFIX": os.environ.get("PYTEST_XDIST_WORKER", "alone"),
    }
# Limits of rate are tested where they matter, not everywhere.
ACCOUNT_RATE_LIMITS = False
SERVE_THREADS = False

# In a file, as in use: two browsers at once are two connections, and shared memory would refuse where a file waits. What the
# machine loses when it crashes does not matter here.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(os.environ["EXCHANGE_DATA_DIR"], "test.sqlite3")}  # noqa: F405
    DATABASES["default"]["OPTIONS"]["init_command"] = (  # noqa: F405
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
