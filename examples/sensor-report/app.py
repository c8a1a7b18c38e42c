"""`sensor-report` as a WASI command: readings on standard input, JSON report on standard output.

It fails when the input is no file of readings. Malformed lines are no failure: the report lists them.
"""

import io
import json
import sys

from report import NotReadings, bounded_lines, report
from wit_world import exports
from componentize_py_types import Err


class Run(exports.Run):
    """`wasi:cli/run`."""

    def run(self) -> None:
        # The report must not depend on what this process takes for the encoding of the day.
        readings = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace", newline="\n")
        try:
            outcome = report(bounded_lines(readings))
        except NotReadings as error:
            print(f"sensor-report: {error}", file=sys.stderr, flush=True)
            raise Err(None) from error
        json.dump(outcome, sys.stdout, indent=2)
        sys.stdout.write("\n")
        sys.stdout.flush()
