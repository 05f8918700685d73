#!/usr/bin/env python
"""Django's command line, with an operator's mistakes reported in one line.

`--traceback` shows where an error came from.
"""

import os
import sys

INTERRUPTED = 130  # what shells make of Ctrl-C


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teamtalk_site.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import Error

    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (ImproperlyConfigured, Error) as exc:
        if "--traceback" in sys.argv:
            raise
        text = _database_error(exc) if isinstance(exc, Error) else f"configuration error: {exc}"
        sys.exit(" ".join(text.split()))


def _database_error(error: Exception) -> str:
    """Return what the database said, and which database it is; no number, no password."""
    from django.conf import settings

    config = settings.DATABASES["default"]
    place = str(config["NAME"])
    if config.get("HOST"):
        port = f":{config['PORT']}" if config.get("PORT") else ""
        place += f" on {config['HOST']}{port}"
    said = error.args[-1] if error.args else error
    return f"database error: {said} (DATABASE_URL: {place})"


if __name__ == "__main__":
    main()
