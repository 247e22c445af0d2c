"""Export, delete or forget what is kept for review and of corrections.

    python -m serving.review export [--reviewer NAME | --product ID] > entries.jsonl
    python -m serving.review delete --reviewer NAME | --product ID
    python -m serving.review forget --days DAYS

A product is named by the id of its answer or by what its owner calls it. `delete` takes away what a
person said, or all that is kept about a product (GDPR articles 15 and 17); `forget` takes away
answers that are older, and leaves corrections.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from serving.errors import ServiceError
from serving.review.corrections import Correction, Corrections
from serving.review.database import create_tables, open_database
from serving.review.queue import ReviewQueue
from serving.settings import Settings


def parser() -> argparse.ArgumentParser:
    """The command line."""
    commands = argparse.ArgumentParser(
        prog="python -m serving.review",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = commands.add_subparsers(dest="verb", required=True)
    for verb, needed in (("export", False), ("delete", True)):
        whose = verbs.add_parser(verb).add_mutually_exclusive_group(required=needed)
        whose.add_argument("--reviewer", metavar="NAME")
        whose.add_argument("--product", metavar="ID")
    verbs.add_parser("forget").add_argument("--days", type=int, required=True)
    return commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    chosen = parser().parse_args(arguments)
    try:
        settings = Settings.load()
        engine = open_database(settings.corrections_database.get_secret_value())
        create_tables(engine)
        entries = Corrections(engine)
        match chosen.verb:
            case "export":
                for entry in entries.entries(reviewer=chosen.reviewer, product=chosen.product):
                    print(_line(entry))
            case "delete":
                gone = entries.delete(reviewer=chosen.reviewer, product=chosen.product)
                print(f"deleted {gone} entries and answers")
            case "forget":
                queue = ReviewQueue(engine, size=settings.review_queue, lease=0)
                print(f"forgot {queue.forget(chosen.days)} answers")
    except (ServiceError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except SQLAlchemyError as error:
        # Its message may hold what was kept, or the address with its password.
        print(f"error: CORRECTIONS_DATABASE: {type(error).__name__}", file=sys.stderr)
        return 1
    return 0


def _line(entry: Correction) -> str:
    """An entry as JSON, its picture by its hash alone."""
    return json.dumps({**vars(entry), "picture": None}, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
