"""Every setting that the environment can give: one table, which ``portal/settings.py`` reads and ``docs/settings.md`` shows."""

from dataclasses import dataclass
from typing import Any

# A value that must be given in a profile, and one that is worked out from others; ``default`` says how.
REQUIRED, WORKED_OUT = object(), object()


@dataclass(frozen=True)
class Setting:
    """One setting: its name and kind (text, number, yes or no, list, …), what it means, and its defaults by profile.

    ``said`` describes a default that is worked out. A secret is never logged, and can be given as a file: NAME_FILE.
    """

    name: str
    kind: str
    meaning: str
    embedded: Any = WORKED_OUT
    production: Any = WORKED_OUT
    said: str = ""
    secret: bool = False
    choices: tuple[str, ...] = ()


TEXT, WHOLE, NUMBER, SWITCH, NAMES, NUMBERS = (
    "text",
    "whole number",
    "number",
    "true or false",
    "list",
    "list of whole numbers",
)


def _same(name: str, kind: str, meaning: str, default: Any, **more: Any) -> Setting:
    return Setting(name, kind, meaning, default, default, **more)


SECTIONS: dict[str, tuple[Setting, ...]] = {
    "Where and how it runs": (
        _same(
            "EXCHANGE_PROFILE",
            TEXT,
            "`embedded`: one machine, SQLite, no Redis, secrets made by itself. "
            "`production`: does not start without its secrets, PostgreSQL and Redis.",
            "embedded",
            choices=("embedded", "production"),
        ),
        Setting(
            "EXCHANGE_DATA_DIR",
            TEXT,
            "The folder for what is not in the database: generated secrets, the embedded broker, the scheduler's notes.",
            said="`var` in the repository",
        ),
        _same(
            "BASE_URL",
            TEXT,
            "Where people open the portal, without a path. Links in mails and problem documents start with it.",
            "http://127.0.0.1:8000",
        ),
        Setting(
            "ALLOWED_HOSTS",
            NAMES,
            "The host names that the portal answers to, those that Prometheus and health checks use among them.",
            ["127.0.0.1", "localhost", "[::1]"],
            REQUIRED,
        ),
        Setting("CSRF_TRUSTED_ORIGINS", NAMES, "Origins whose forms are believed.", said="`BASE_URL`"),
        Setting("HTTPS", SWITCH, "Secure cookies, HSTS, and redirects to HTTPS.", False, True),
        _same(
            "BEHIND_PROXY",
            SWITCH,
            "Believe `X-Forwarded-Proto`. Only behind a proxy that overwrites it, as the nginx configuration here does.",
            True,
        ),
        Setting(
            "TRUSTED_PROXY_COUNT",
            WHOLE,
            "How many proxies add to `X-Forwarded-For`; limits of sign-in go by the address before them.",
            0,
            1,
        ),
        _same(
            "PORT", WHOLE, "The port of `manage.py serve`, and the one that the container's health check asks.", 8000
        ),
        Setting(
            "STATIC_ROOT", TEXT, "Where `collectstatic` puts static files.", said="`staticfiles` in the repository"
        ),
        Setting(
            "COMPRESS_STATIC",
            SWITCH,
            "Compress static files when they are collected, which takes a minute.",
            False,
            True,
        ),
        _same("DEBUG", SWITCH, "Error pages with code and settings. Never where others can reach it.", False),
        _same(
            "LOG_LEVEL",
            TEXT,
            "The least level that is logged.",
            "INFO",
            choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        ),
        Setting("LOG_FORMAT", TEXT, "Lines for people or for machines.", "plain", "json", choices=("plain", "json")),
        _same(
            "OPERATOR_EMAIL",
            TEXT,
            "Who runs this portal; shown where somebody needs help, and in `security.txt`.",
            "operator@localhost",
        ),
    ),
    "Secrets": (
        Setting(
            "SECRET_KEY",
            TEXT,
            "Signs sessions and links. At least 50 random characters.",
            production=REQUIRED,
            said="made in the data folder",
            secret=True,
        ),
        _same(
            "SECRET_KEY_FALLBACKS",
            NAMES,
            "Earlier values of `SECRET_KEY`, while sessions signed with them may go on.",
            [],
            secret=True,
        ),
        Setting(
            "FIELD_ENCRYPTION_KEYS",
            NAMES,
            "Fernet keys, newest first, that seal second factors, webhook keys and online signing keys in the database. "
            "Losing them loses those.",
            production=REQUIRED,
            said="made in the data folder",
            secret=True,
        ),
    ),
    "Database, broker, cache": (
        Setting(
            "DATABASE_URL",
            TEXT,
            "The database: `postgres://user:password@host:5432/name`.",
            production=REQUIRED,
            said="SQLite in the data folder",
            secret=True,
        ),
        _same("CONN_MAX_AGE", WHOLE, "Seconds that a connection to the database is kept.", 60),
        Setting(
            "REDIS_URL",
            TEXT,
            "Redis for the cache, limits of rate, and the broker: `redis://:password@host:6379/0`.",
            "",
            REQUIRED,
            secret=True,
        ),
        Setting(
            "CELERY_BROKER_URL",
            TEXT,
            "The broker, if it is another one.",
            said="`REDIS_URL`, or folders in the data folder",
            secret=True,
        ),
    ),
    "Mail": (
        Setting(
            "EMAIL_URL",
            TEXT,
            "The mail server: `smtp+tls://user:password@mail.example:587`.",
            production=REQUIRED,
            said="files in the data folder",
            secret=True,
        ),
        _same(
            "DEFAULT_FROM_EMAIL", TEXT, "Who the portal's mail is from.", "Trust Exchange <trust-exchange@localhost>"
        ),
        _same(
            "MAIL_RETURN_ADDRESS",
            TEXT,
            "Where mail comes back to: a mailbox with sub-addresses that the mail server pipes into `manage.py take_bounce`.",
            "",
        ),
    ),
    "Webhooks and deliveries": (
        _same(
            "WEBHOOK_ALLOWED_ADDRESSES",
            NAMES,
            "Networks that are called although they are private; only there plain HTTP, addresses instead of names, and any port.",
            [],
        ),
        _same("WEBHOOK_PORTS", NUMBERS, "Ports that are called elsewhere.", [443]),
        _same("WEBHOOK_EXTRA_ROOTS", TEXT, "A PEM file of roots to believe besides the system's.", ""),
        _same(
            "WEBHOOK_CLIENT_CERTIFICATE",
            TEXT,
            "A PEM file: the portal's own certificate, for endpoints that ask for mutual TLS.",
            "",
        ),
        _same("WEBHOOK_CLIENT_KEY", TEXT, "A PEM file: the key of that certificate.", ""),
        _same(
            "DELIVERY_LEASE_SECONDS",
            WHOLE,
            "Seconds that a worker may hold a delivery; what a killed one held is taken by another after that.",
            120,
        ),
    ),
    "CRLs and OCSP": (
        _same(
            "REVOCATION_ALLOWED_ADDRESSES",
            NAMES,
            "Networks that are asked although they are private; only there addresses instead of names, and any port.",
            [],
        ),
        _same("REVOCATION_PORTS", NUMBERS, "Ports that are asked elsewhere.", [80, 443]),
    ),
    "Metrics": (
        _same("METRICS_TOKEN", TEXT, "Who sends it as a bearer token may read `/metrics`.", "", secret=True),
        _same(
            "METRICS_ALLOWED_ADDRESSES",
            NAMES,
            "Networks from which direct connections may read `/metrics` without a token.",
            [],
        ),
        _same(
            "METRICS_STORES",
            WHOLE,
            "How many trust stores have series of their own: those whose contents end first.",
            500,
        ),
    ),
    "Limits and tools": (
        _same("UPLOAD_MAX_BYTES", WHOLE, "The largest file that is taken, in bytes.", 1024 * 1024),
        _same(
            "ENCRYPTED_INTAKE",
            SWITCH,
            "Whether bundles may be encrypted to the portal's intake key, which `manage.py intake_key new` makes.",
            False,
        ),
        _same("GPG_BINARY", TEXT, "The program gpg.", "gpg"),
        _same("GPGV_BINARY", TEXT, "The program gpgv, which judges signatures.", "gpgv"),
        _same("OPENSSL_BINARY", TEXT, "The program openssl.", "openssl"),
    ),
    "Serving stores from memory": (
        Setting(
            "VERSION_FLOOR_DIR",
            TEXT,
            "A folder, not on the database's disk and shared by web and workers, that keeps the highest version of each store, "
            "so that a database restored from a backup is noticed. Empty: it is not noticed.",
            embedded=WORKED_OUT,
            production="",
            said="`floor` in EXCHANGE_DATA_DIR",
        ),
        _same(
            "SERVE_MAX_STALENESS",
            NUMBER,
            "Seconds after which, if changes cannot be read from the database, nothing is served from memory.",
            2.0,
        ),
        _same(
            "SERVE_MOST_PULLS",
            WHOLE,
            "Pulls of one token within ten seconds, in each process; the next one is answered 429.",
            300,
        ),
        _same(
            "SPIFFE_MOST_FETCHES",
            WHOLE,
            "Fetches of public SPIFFE bundles from one address within a minute, in each process; the next one is answered 429.",
            60,
        ),
        _same("SERVE_MEMORY_BYTES", WHOLE, "The most that one process keeps in memory, in bytes.", 64 * 1024 * 1024),
        _same(
            "SERVE_THREADS",
            SWITCH,
            "Whether threads watch for changes and write pulls down; tests do both by hand.",
            True,
        ),
    ),
}
SETTINGS: dict[str, Setting] = {each.name: each for section in SECTIONS.values() for each in section}
