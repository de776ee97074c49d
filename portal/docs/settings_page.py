"""The page of settings, made from the table that ``portal/settings.py`` reads: ``python -m portal.docs.settings_page``."""

from pathlib import Path
from typing import Any

from portal.settings_table import REQUIRED, SECTIONS, WORKED_OUT, Setting

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "settings.md"
HEAD = """# Settings

Everything is set by the environment, or by a file `.env` in the repository's root. There are two profiles: `embedded`, which
needs nothing to be set, and `production` (`EXCHANGE_PROFILE=production`). A value that cannot be used stops the portal with a
sentence that names it; `manage.py doctor` says what else is wrong. A **secret** can be given as a file instead: set the name
with `_FILE` behind it, such as `SECRET_KEY_FILE=/run/secrets/secret_key`. Lists are separated by commas.

This page is made from the code: `python -m portal.docs.settings_page`.
"""


def text() -> str:
    """Return the page as Markdown."""
    parts = [HEAD]
    for section, settings in SECTIONS.items():
        parts.append(
            f"\n## {section}\n\n| Setting | Kind | Embedded | Production | Means |\n| --- | --- | --- | --- | --- |\n"
        )
        parts += [_row(setting) for setting in settings]
    return "".join(parts)


def _row(setting: Setting) -> str:
    name = f"`{setting.name}`" + (f", secret, or `{setting.name}_FILE`" if setting.secret else "")
    kind = setting.kind + (f": {', '.join(f'`{each}`' for each in setting.choices)}" if setting.choices else "")
    defaults = " | ".join(_default(setting, value) for value in (setting.embedded, setting.production))
    return f"| {name} | {kind} | {defaults} | {setting.meaning} |\n"


def _default(setting: Setting, value: Any) -> str:
    if value is REQUIRED:
        return "**must be set**"
    if value is WORKED_OUT:
        return setting.said
    if isinstance(value, list):
        value = ",".join(str(each) for each in value)
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value}`" if str(value) else "none"


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
