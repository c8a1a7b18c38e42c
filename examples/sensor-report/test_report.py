"""The report against readings worked out by hand, and against the standard library's statistics."""

import io
import random
import statistics
import unittest

from report import LINE_MAX, LISTED_MAX, NotReadings, bounded_lines, report

HEADER = "time,sensor,value"


def report_of(*lines: str) -> dict:
    return report(line + "\n" for line in (HEADER, *lines))


def expected_in(line: str) -> str:
    """What a malformed line is told to be."""
    outcome = report_of(line)
    assert outcome["malformed_lines"] == 1 and outcome["readings"] == 0, line
    return outcome["malformed"][0]["expected"]


class Report(unittest.TestCase):
    def test_the_whole_report_of_a_small_file(self):
        outcome = report_of(
            "2026-01-31T12:00:00Z,hall/door,20.5",
            '"2026-01-31T11:00:00Z","hall/door","-1"',
            "",
            "2026-01-31T12:00:05Z,attic,7",
        )
        self.assertEqual(
            outcome,
            {
                "report": "sensor-report",
                "version": 1,
                "lines": 5,
                "readings": 3,
                "malformed_lines": 1,
                "malformed": [{"line": 4, "expected": "three fields"}],
                "sensors": {
                    "attic": {
                        "count": 1,
                        "first": "2026-01-31T12:00:05Z",
                        "last": "2026-01-31T12:00:05Z",
                        "min": 7.0,
                        "max": 7.0,
                        "mean": 7.0,
                        "deviation": 0.0,
                    },
                    "hall/door": {
                        "count": 2,
                        "first": "2026-01-31T11:00:00Z",
                        "last": "2026-01-31T12:00:00Z",
                        "min": -1.0,
                        "max": 20.5,
                        "mean": 9.75,
                        "deviation": 10.75,
                    },
                },
            },
        )
        self.assertEqual(list(outcome["sensors"]), ["attic", "hall/door"])

    def test_agrees_with_the_standard_library(self):
        generator = random.Random(7)
        values = [f"{generator.uniform(-1e6, 1e6):.9f}" for _ in range(2000)]
        sensor = report_of(*(f"2026-01-31T12:00:00Z,a,{value}" for value in values))["sensors"]["a"]
        numbers = [float(value) for value in values]
        self.assertEqual(sensor["min"], min(numbers))
        self.assertEqual(sensor["max"], max(numbers))
        self.assertAlmostEqual(sensor["mean"], statistics.fmean(numbers), delta=1e-9)
        self.assertAlmostEqual(sensor["deviation"], statistics.pstdev(numbers), delta=1e-6)

    def test_the_order_of_readings_does_not_matter(self):
        lines = [f"2026-01-31T12:00:{second:02}Z,a,{second}.1" for second in range(60)]
        lines += ["2026-01-31T12:00:00Z,a,99999999999999999.999999999", "2026-01-31T12:00:00Z,a,0.000000001"]
        self.assertEqual(report_of(*lines)["sensors"], report_of(*reversed(lines))["sensors"])

    def test_numbers_are_exact(self):
        sensor = report_of("2026-01-31T12:00:00Z,a,-0.1", "2026-01-31T12:00:00Z,a,+0.3")["sensors"]["a"]
        self.assertEqual((sensor["min"], sensor["max"], sensor["mean"]), (-0.1, 0.3, 0.1))

    def test_a_header_alone_is_an_empty_report(self):
        outcome = report_of()
        self.assertEqual((outcome["lines"], outcome["readings"], outcome["sensors"]), (1, 0, {}))
        self.assertEqual(report([HEADER + "\r\n"])["lines"], 1)

    def test_what_is_no_file_of_readings_is_refused(self):
        for lines in ([], ["\n"], ["time,value\n"], ["\x7fELF\0\n"], ['"open\n'], ["\ufffd" * 5000]):
            with self.assertRaises(NotReadings) as refused:
                report(lines)
            self.assertLess(len(str(refused.exception)), 600)
            self.assertTrue(str(refused.exception).isascii())


class Lines(unittest.TestCase):
    def test_every_rule_bites(self):
        cases = {
            "three fields": ["", "2026-01-31T12:00:00Z,a", "2026-01-31T12:00:00Z,a,1,", '"2026-01-31T12:00:00Z,a,1'],
            "a time": [
                "2026-01-31 12:00:00Z,a,1",
                "2026-02-30T12:00:00Z,a,1",
                "2026-01-31T24:00:01Z,a,1",
                "2026-01-31T12:00:00+00:00,a,1",
                "2026-01-31T12:00:0\u0661Z,a,1",
            ],
            "a sensor's name": ["2026-01-31T12:00:00Z,,1", "2026-01-31T12:00:00Z,a b,1", f"2026-01-31T12:00:00Z,{'a' * 65},1"],
            "a decimal number": [
                f"2026-01-31T12:00:00Z,a,{value}"
                for value in ("", "nan", "inf", "1e3", ".5", "1.", "0x1", "1_0", " 1", "1" * 18, "1.0000000001", "\u0661")
            ],
            "at most 4096": [f"2026-01-31T12:00:00Z,a,{'1' * LINE_MAX}"],
        }
        for expected, lines in cases.items():
            for line in lines:
                self.assertTrue(expected_in(line).startswith(expected), line)

    def test_findings_are_all_counted_and_some_listed(self):
        outcome = report_of(*["nonsense"] * (LISTED_MAX + 5))
        self.assertEqual(outcome["malformed_lines"], LISTED_MAX + 5)
        self.assertEqual(len(outcome["malformed"]), LISTED_MAX)
        self.assertEqual(outcome["malformed"][0]["line"], 2)

    def test_long_lines_are_never_held(self):
        text = f"{HEADER}\n{'x' * (3 * LINE_MAX)}\n2026-01-31T12:00:00Z,a,1\n{'y' * LINE_MAX}\n{'z' * 2 * LINE_MAX}"
        lines = list(bounded_lines(io.StringIO(text, newline="\n")))
        self.assertEqual([line[:1] for line in lines], ["t", "x", "2", "y", "z"])
        self.assertLessEqual(max(map(len, lines)), LINE_MAX + 1)
        outcome = report(lines)
        self.assertEqual((outcome["lines"], outcome["readings"], outcome["malformed_lines"]), (5, 1, 3))


if __name__ == "__main__":
    unittest.main()
