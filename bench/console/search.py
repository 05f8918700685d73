"""How long it takes to look through messages for a word that is in none of them.

    DATABASE_URL=mysql://… .venv/bin/python -m bench.console.search

On a database that seed_messages has filled: of everybody, the days that hold about MESSAGES.
"""

import os
import time

import django

MESSAGES = 100_000
STEP_S = 0.5  # as the console's page asks


def main() -> None:
    """Search, and print what it took."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teamtalk_site.settings")
    django.setup()
    from im.services.messages.search import Selection, search

    until = int(time.time())
    days = 1
    while search(Selection(until - days * 86_400, until), count=1, budget_s=0).total < MESSAGES:
        days += 1
    selection = Selection(until - days * 86_400, until, words=("nobody wrote this",))
    started, steps, position = time.perf_counter(), 0, None
    while True:
        step = search(selection, position, count=50, budget_s=STEP_S)
        steps += 1
        position = step.position
        if position is None:
            break
    elapsed = time.perf_counter() - started
    print(
        f"{step.searched} of {step.total} messages of {days} days: {elapsed:.2f} s, {steps} steps"
    )


if __name__ == "__main__":
    main()
