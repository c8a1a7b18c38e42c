"""Statistics of sensor readings, collected while they stream by.

The input is CSV with the header `HEADER`: one reading per line, in any order. Memory grows with the number of sensors,
never with the number of readings. The report depends on the input's bytes only: sums are exact, so that not even the
order of the readings matters, except for which malformed lines are listed first.
"""

import csv
import math
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from fractions import Fraction

HEADER = ["time", "sensor", "value"]
# How many malformed lines are listed; all of them are counted.
LISTED_MAX = 100
# Longest line in characters. A longer one is malformed, and is never held whole.
LINE_MAX = 4096
# How many sensors there may be. Readings of further ones are malformed.
SENSORS_MAX = 100_000

# A decimal number with at most 17 digits before and 9 after the point. Bounded, because the sums are exact.
NUMBER = re.compile(r"([+-]?[0-9]{1,17})(?:\.([0-9]{1,9}))?")
# Values are counted in this fraction of their unit.
DECIMALS = 9
# A sensor's name: 1 to 64 letters, digits and `._:/-`.
SENSOR = re.compile(r"[A-Za-z0-9._:/-]{1,64}")
# RFC 3339 in UTC, whole seconds.
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class NotReadings(Exception):
    """The input is not a file of readings at all."""


class Malformed(Exception):
    """A line is not a reading. The text says what was expected."""


class Sensor:
    """What is known of one sensor. Values are whole billionths."""

    def __init__(self, time: str, value: int) -> None:
        self.count = self.sum = self.sum_of_squares = 0
        self.least = self.greatest = value
        self.first = self.last = time

    def add(self, time: str, value: int) -> None:
        self.count += 1
        self.sum += value
        self.sum_of_squares += value * value
        self.least = min(self.least, value)
        self.greatest = max(self.greatest, value)
        # Times of one form in one zone: their texts are in the order of the times.
        self.first = min(self.first, time)
        self.last = max(self.last, time)

    def report(self) -> dict:
        unit = 10**DECIMALS
        # Of the population, times `count * unit` squared: exact up to here, and IEEE 754 rounds what follows correctly.
        spread = self.count * self.sum_of_squares - self.sum * self.sum
        return {
            "count": self.count,
            "first": self.first,
            "last": self.last,
            "min": self.least / unit,
            "max": self.greatest / unit,
            "mean": self.sum / (self.count * unit),
            "deviation": math.sqrt(Fraction(spread, (self.count * unit) ** 2)),
        }


def report(lines: Iterable[str]) -> dict:
    """Reads all lines, each with its line break, and says what they amount to.

    Raises `NotReadings` where the first line is not `HEADER`.
    """
    numbered = enumerate(lines, start=1)
    _, header = next(numbered, (0, ""))
    if fields_of(header) != HEADER:
        raise NotReadings(f"expected the header {','.join(HEADER)}, found {header[:80].rstrip()!a}")
    sensors: dict[str, Sensor] = {}
    malformed: list[dict] = []
    malformed_count = 0
    number = 1
    for number, line in numbered:
        try:
            enter(sensors, line)
        except Malformed as reason:
            malformed_count += 1
            if len(malformed) < LISTED_MAX:
                malformed.append({"line": number, "expected": str(reason)})
    return {
        "report": "sensor-report",
        "version": 1,
        "lines": number,
        "readings": number - 1 - malformed_count,
        "malformed_lines": malformed_count,
        "malformed": malformed,
        "sensors": {name: sensors[name].report() for name in sorted(sensors)},
    }


def bounded_lines(stream) -> Iterator[str]:
    """The lines of a text stream; of a line beyond `LINE_MAX` only the beginning, which is too long to be a reading."""
    while line := stream.readline(LINE_MAX + 1):
        rest = line
        while not rest.endswith("\n") and (rest := stream.readline(LINE_MAX + 1)):
            pass
        yield line


def enter(sensors: dict[str, Sensor], line: str) -> None:
    time, name, value = parse(line)
    sensor = sensors.get(name)
    if sensor is None:
        if len(sensors) == SENSORS_MAX:
            raise Malformed(f"at most {SENSORS_MAX} sensors")
        sensor = sensors[name] = Sensor(time, value)
    sensor.add(time, value)


def parse(line: str) -> tuple[str, str, int]:
    if len(line) > LINE_MAX:
        raise Malformed(f"at most {LINE_MAX} characters")
    fields = fields_of(line)
    if len(fields) != len(HEADER):
        raise Malformed("three fields")
    time, name, value = fields
    if not TIME.fullmatch(time) or not is_date_and_time(time):
        raise Malformed("a time such as 2026-01-31T12:00:00Z")
    if not SENSOR.fullmatch(name):
        raise Malformed("a sensor's name of 1 to 64 letters, digits and ._:/-")
    number = NUMBER.fullmatch(value)
    if not number:
        raise Malformed("a decimal number of at most 17 digits before and 9 after the point")
    whole, decimals = number.groups(default="")
    return time, name, int(whole + decimals.ljust(DECIMALS, "0"))


def fields_of(line: str) -> list[str]:
    """The fields of one line. Fields may be quoted, but may not contain a line break."""
    try:
        return next(csv.reader([line.rstrip("\r\n")], strict=True), [])
    except csv.Error:
        return []


def is_date_and_time(time: str) -> bool:
    try:
        datetime.fromisoformat(time)
    except ValueError:
        return False
    return True
