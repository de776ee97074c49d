"""Settings, all from the environment; ``portal/settings_table.py`` declares each.

Two profiles. ``embedded`` (the default) needs nothing but Python, gpg and openssl: SQLite, a broker made of folders, secrets
generated into the data folder. ``production`` refuses to start without its secrets, PostgreSQL and Redis.
"""

from pathlib import Path

from portal import embedded, environment
from portal.environment import read

BASE_DIR = Path(__file__).resolve().parent.parent
if (BASE_DIR / ".env").exists():
    environment.env.read_env(BASE_DIR / ".env")

PROFILE = read("EXCHANGE_PROFILE")
EMBEDDED = PROFILE == "embedded"
DEBUG = read("DEBUG")
DATA_DIR = Path(read("EXCHANGE_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
GENERATED = embedded.secrets(DATA_DIR) if EMBEDDED else {}

SECRET_KEY = read("SECRET_KEY", default=GENERATED.get("SECRET_KEY"))
SECRET_KEY_FALLBACKS = read("SECRET_KEY_FALLBACKS")
# Fernet keys, newest first, that encrypt webhook secrets, TOTP seeds and online signing keys in the database.
FIELD_ENCRYPTION_KEYS = read(
    "FIELD_ENCRYPTION_KEYS", default=GENERATED.get("FIELD_ENCRYPTION_KEYS", "").split(",") if EMBEDDED else None
)

BASE_URL = read("BASE_URL").rstrip("/")
HTTPS = read("HTTPS")
ALLOWED_HOSTS = read("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = read("CSRF_TRUSTED_ORIGINS", default=[BASE_URL])
# Who may read /metrics: whoever sends the token as a bearer token, and direct connections from these networks. Without
# either, nobody. The longest lists in it stop at so many trust stores.
METRICS_TOKEN = read("METRICS_TOKEN")
METRICS_ALLOWED_ADDRESSES = read("METRICS_ALLOWED_ADDRESSES")
METRICS_STORES = read("METRICS_STORES")
OPERATOR_EMAIL = read("OPERATOR_EMAIL")

INSTALLED_APPS = [
    "portal",
    "trust",
    "notifications",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "portal.middleware.Duration",
    "portal.middleware.ForPrograms",
    "portal.middleware.RequestMoment",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "portal.organizations.sessions.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.organizations.middleware.ActingMember",
    "portal.middleware.Refusals",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
FORM_RENDERER = "portal.forms.Renderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.shell",
            ],
            "builtins": ["portal.templatetags.exchange"],
        },
    }
]

# --- Database: SQLite in WAL mode takes the write lock at BEGIN, so that read-then-write never fails with "locked". ---
_SQLITE = f"sqlite:///{DATA_DIR / 'exchange.sqlite3'}" if EMBEDDED else None
DATABASES = {"default": environment.database(read("DATABASE_URL", default=_SQLITE))}
DATABASES["default"]["CONN_MAX_AGE"] = read("CONN_MAX_AGE")
# A database that was started anew costs nobody an error: each request asks once whether its connection still answers.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = read("REDIS_URL")
CACHES = (
    {
        "default": {
            "BACKEND": "portal.caches.SteadyRedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
        }
    }
    if REDIS_URL
    else {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
)

# --- People: allauth does sign-in, TOTP, recovery codes, passkeys and their rate limits. ---
AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "portal.organizations.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an invitation that was mailed to the address is what confirms it
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # seconds that a step-up lasts
ACCOUNT_PREVENT_ENUMERATION = True
MFA_ADAPTER = "portal.organizations.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Trust Exchange"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
USERSESSIONS_TRACK_ACTIVITY = False
ALLAUTH_TRUSTED_PROXY_COUNT = read("TRUSTED_PROXY_COUNT")

SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_FAILURE_VIEW = "portal.error_pages.csrf_failure"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
SESSION_COOKIE_AGE = 30 * 60  # seconds of idleness
SESSION_SAVE_EVERY_REQUEST = True
SESSION_ABSOLUTE_AGE = 12 * 3600  # seconds
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS and read("BEHIND_PROXY"):
    # The shipped nginx configuration overwrites this header on every request.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
PERMISSIONS_POLICY = {
    "camera": [],
    "geolocation": [],
    "microphone": [],
    "payment": [],
    "usb": [],
    "publickey-credentials-get": "self",
    "publickey-credentials-create": "self",
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

# --- Limits on every input (bytes, unless said otherwise). Files have their own limit, since Django has none for them. ---
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 5
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
FILE_UPLOAD_HANDLERS = ["portal.uploads.BoundedMemoryUploadHandler"]
UPLOAD_MAX_BYTES = read("UPLOAD_MAX_BYTES")
ENCRYPTED_INTAKE = read("ENCRYPTED_INTAKE")

STATIC_URL = "/static/"
STATIC_ROOT = Path(read("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Compressing takes a minute, which a deployment spends once and a newcomer at every start.
COMPRESS_STATIC = read("COMPRESS_STATIC")
_STATIC = (
    "django.contrib.staticfiles.storage.Manifest" if not COMPRESS_STATIC else "whitenoise.storage.CompressedManifest"
)
STORAGES = {"staticfiles": {"BACKEND": f"{_STATIC}StaticFilesStorage"}}

LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Mail: files in the data folder when embedded, so that a newcomer can read what would have been sent. ---
if EMBEDDED and not read("EMAIL_URL"):
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"
else:
    vars().update(environment.mail(read("EMAIL_URL")))
# Mail that is not an event's is signed on its way to EMAIL_BACKEND; an event's is signed where it is made.
SIGNING_EMAIL_BACKEND = "notifications.mail.signing.SigningBackend"
DEFAULT_FROM_EMAIL = read("DEFAULT_FROM_EMAIL")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 15  # seconds
# Where mail comes back to: a mailbox with sub-addresses (bounces+…@) that the mail server pipes into manage.py take_bounce.
MAIL_RETURN_ADDRESS = read("MAIL_RETURN_ADDRESS")

# --- Webhooks: the one client that calls addresses given by partners. ---
# Networks that the operator opens on purpose (a private link, a test listener): only there plain HTTP, IP literals, any port.
WEBHOOK_ALLOWED_ADDRESSES = read("WEBHOOK_ALLOWED_ADDRESSES")
WEBHOOK_PORTS = read("WEBHOOK_PORTS")
WEBHOOK_EXTRA_ROOTS = read("WEBHOOK_EXTRA_ROOTS")  # a PEM file, besides the system's roots
# The portal's own client certificate for endpoints that ask for mutual TLS: PEM files.
WEBHOOK_CLIENT_CERTIFICATE = read("WEBHOOK_CLIENT_CERTIFICATE")
WEBHOOK_CLIENT_KEY = read("WEBHOOK_CLIENT_KEY")

# Seconds that a worker may hold a delivery; what a killed one held is taken by another after that.
DELIVERY_LEASE_SECONDS = read("DELIVERY_LEASE_SECONDS")

# --- CRLs and OCSP responders, which partners name. Plain HTTP is usual there: what is fetched carries its own signature. ---
# Networks that the operator opens on purpose: only there IP literals and any port.
REVOCATION_ALLOWED_ADDRESSES = read("REVOCATION_ALLOWED_ADDRESSES")
REVOCATION_PORTS = read("REVOCATION_PORTS")

# --- Background work. A message is only a hint to look at the database, so losing the broker loses time, never a fact. ---
CELERY_BROKER_URL = read("CELERY_BROKER_URL", default=REDIS_URL or "folders://localhost")
if CELERY_BROKER_URL.startswith("folders"):
    CELERY_BROKER_TRANSPORT_OPTIONS = embedded.broker_folders(DATA_DIR)
else:
    # A broker that is reached and does not answer holds nobody for long: the fact is in the database, the hint can be lost.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_connect_timeout": 3, "socket_timeout": 5}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 300
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "portal.schedules:SteadyScheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat")
# Beat entries live beside the tasks they start: see portal/celery.py.

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.organizations.authentication.BearerTokenAuthentication",
        "portal.organizations.authentication.MemberSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["portal.organizations.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.parsing.JsonParser"],
    "DEFAULT_PAGINATION_CLASS": "portal.pagination.SteadyCursorPagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "portal.problems.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "portal.schema.ExchangeSchema",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"uploads": "60/min", "calls": "60/min", "checks": "120/min", "distress": "10/min"},
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Partner trust-exchange portal",
    "DESCRIPTION": "Exchange, verify, publish and revoke the CA certificates behind mutual TLS between companies.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # Choices stay where they are used: many nouns have a "state", each with words of its own.
    "POSTPROCESSING_HOOKS": [],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "portal.logs.JsonFormatter"},
        "plain": {"()": "portal.logs.PlainFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": read("LOG_FORMAT"),
        }
    },
    "root": {"handlers": ["console"], "level": read("LOG_LEVEL")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        # python-gnupg logs whole uploads at debug level.
        "gnupg": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
SILENCED_SYSTEM_CHECKS: list[str] = []

# --- Work on hostile input: limits for gpg, gpgv and openssl (see trust/pki/limits.py for the numbers of each reader). ---
GPG_BINARY = read("GPG_BINARY")
GPGV_BINARY = read("GPGV_BINARY")
OPENSSL_BINARY = read("OPENSSL_BINARY")

# --- Serving trust stores from memory. ---
# Seconds after which, if the count of changes cannot be read, nothing is served from memory: a revocation may have been missed.
SERVE_MAX_STALENESS = read("SERVE_MAX_STALENESS")
VERSION_FLOOR_DIR = read("VERSION_FLOOR_DIR", default=str(DATA_DIR / "floor") if EMBEDDED else None)
# Pulls of one token within ten seconds, in each process; the next one is answered 429.
SERVE_MOST_PULLS = read("SERVE_MOST_PULLS")
SPIFFE_MOST_FETCHES = read("SPIFFE_MOST_FETCHES")
SERVE_MEMORY_BYTES = read("SERVE_MEMORY_BYTES")
# The threads that watch for changes and write pulls down; tests do both by hand.
SERVE_THREADS = read("SERVE_THREADS")
