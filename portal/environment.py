"""Reading the settings that ``portal/settings_table.py`` declares, from the environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from portal.settings_table import NAMES, NUMBER, NUMBERS, REQUIRED, SETTINGS, SWITCH, TEXT, WHOLE, WORKED_OUT, Setting

env = environ.Env()


def read(name: str, *, default: Any = None, environment: Mapping[str, str] | None = None) -> Any:
    """Return the value of the declared setting ``name``, from the environment, its file, or its default.

    ``default`` is for a default that is worked out; it wins over the table's. Raises ImproperlyConfigured for a value that is not
    of its kind, a file that cannot be read, and a setting that must be given and is not; KeyError for one that is not declared.
    """
    setting = SETTINGS[name]
    given = _given(setting, env.ENVIRON if environment is None else environment)
    if given:
        return _converted(setting, given)
    if default is not None:
        return default
    fallback = setting.production if _in_production(environment) else setting.embedded
    if fallback is REQUIRED:
        raise ImproperlyConfigured(f"Set {name}{f' or {name}_FILE' if setting.secret else ''}. {setting.meaning}")
    if isinstance(fallback, list):
        return [*fallback]
    return "" if fallback is WORKED_OUT else fallback


def _in_production(environment: Mapping[str, str] | None) -> bool:
    found = (env.ENVIRON if environment is None else environment).get("EXCHANGE_PROFILE", "")
    return found == "production"


def _given(setting: Setting, environment: Mapping[str, str]) -> str:
    path = environment.get(f"{setting.name}_FILE", "") if setting.secret else ""
    if not path:
        return environment.get(setting.name, "")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ImproperlyConfigured(f"{setting.name}_FILE is {path}, which cannot be read: {why}.") from None


def _converted(setting: Setting, given: str) -> Any:
    # The value is not repeated when it is a secret.
    shown = setting.name if setting.secret else f"{setting.name} is {given!r}"
    try:
        value = _BY_KIND[setting.kind](given)
    except ValueError:
        raise ImproperlyConfigured(f"{shown}, which is no {setting.kind}.") from None
    if setting.choices and value not in setting.choices:
        raise ImproperlyConfigured(f"{shown}, which is none of {', '.join(setting.choices)}.")
    return value


def _switch(given: str) -> bool:
    if given.lower() in environ.Env.BOOLEAN_TRUE_STRINGS:
        return True
    if given.lower() in ("false", "off", "no", "n", "0"):
        return False
    raise ValueError


def _names(given: str) -> list[str]:
    return [each.strip() for each in given.split(",") if each.strip()]


_BY_KIND: dict[str, Any] = {
    TEXT: str,
    WHOLE: int,
    NUMBER: float,
    SWITCH: _switch,
    NAMES: _names,
    NUMBERS: lambda given: [int(each) for each in _names(given)],
}


def database(url: str) -> dict[str, Any]:
    """Return Django's settings of the database at ``url``. Raises ImproperlyConfigured for what is no such address."""
    try:
        if urlsplit(url).scheme in ("postgres", "postgresql", "sqlite"):
            return dict(env.db_url_config(url))
    except (ValueError, ImproperlyConfigured):
        pass
    raise ImproperlyConfigured(
        "DATABASE_URL is no address of a database, such as postgres://user:password@host:5432/name."
    )


def mail(url: str) -> dict[str, Any]:
    """Return Django's settings of the mail server at ``url``. Raises ImproperlyConfigured for what is no such address."""
    try:
        return dict(env.email_url_config(url))
    except (ValueError, KeyError, ImproperlyConfigured):
        raise ImproperlyConfigured(
            "EMAIL_URL is no address of a mail server, such as smtp+tls://user:password@mail.example:587."
        ) from None
