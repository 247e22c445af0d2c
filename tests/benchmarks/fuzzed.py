"""What the service answers to fuzzed requests, sent over raw sockets to a fresh process.

python -m tests.benchmarks.fuzzed         # or: --number 1000 --seed 2

None may be without an answer, and none answered with 5xx. Limits of products and logins are off.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.attacks import ATTACKER, PASSWORD, variables
from tests.support import fuzzing, tiny
from tests.support.process import running


def main() -> int:
    """Send them and print the table; 1 when one failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny.build(folder)
        with running(folder, variables(folder)) as process:
            form = {"username": ATTACKER, "password": PASSWORD}
            token = process.client.post("/token", data=form).json()["access_token"]
            sent = fuzzing.answers(process.port, token, given.number, given.seed)
            counts, failed = asyncio.run(sent)
            megabytes = process.resident_megabytes()
            assert process.client.get("/health/ready").status_code == 200
    statuses = sorted({status for count in counts.values() for status in count})
    print(f"| fuzzed | {' | '.join(statuses)} |")
    print("|---" * (len(statuses) + 1) + "|")
    for kind, count in counts.items():
        print(f"| {kind} | {' | '.join(str(count[status]) for status in statuses)} |")
    print(f"\n{given.number} requests, seed {given.seed}; {megabytes:.0f} MB at the end")
    for request in failed:
        print(f"failed: {request[:2000]!r}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
