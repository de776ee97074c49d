#!/usr/bin/env python
"""Run an administrative command: ``./manage.py help`` lists them."""

import os
import sys


def main() -> None:
    """Hand the command line to Django with the portal's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.utils import OperationalError, ProgrammingError
    except ModuleNotFoundError:
        sys.exit("Django is not installed for this Python. Run `make install`, then use .venv/bin/python manage.py …")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # Whoever set something wrong needs the sentence, and no traceback through Django.
        sys.exit(f"The settings cannot be used: {error} docs/settings.md lists all of them.")
    except (OperationalError, ProgrammingError) as error:
        if "--traceback" in sys.argv:
            raise
        said = str(error).strip().splitlines()[0]
        sys.exit(
            f"The database cannot be used: {said}. Run manage.py migrate; manage.py doctor says what else is wrong."
        )


if __name__ == "__main__":
    main()
