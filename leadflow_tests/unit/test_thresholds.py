"""warn_if and error_if: what is read, what is refused, and what they say of a count."""

import pytest

from leadflow.quality.contract.thresholds import judge, read_threshold

# An expression, failing rows, checked rows, and whether it holds.
HOLDS = [
    ("!= 0", 0, 10, False),
    ("!= 0", 1, 10, True),
    ("<>0", 1, 10, True),
    (">10", 10, 99, False),
    ("> 10", 11, 99, True),
    (">=  10", 10, 99, True),
    ("< 5", 4, 99, True),
    ("< 5", 5, 99, False),
    ("<= 5", 5, 99, True),
    ("= 3", 3, 9, True),
    ("== 3", 4, 9, False),
    ("between 1 and 3", 0, 9, False),
    ("between 1 and 3", 1, 9, True),
    ("BETWEEN 1 AND 3", 3, 9, True),
    ("between 1 and 3", 4, 9, False),
    ("not between 1 and 3", 4, 9, True),
    ("not  between 1 and 3", 2, 9, False),
    ("> 1%", 1, 100, False),
    ("> 1%", 2, 100, True),
    ("> 0.5 %", 1, 199, True),
    ("> 0.5%", 1, 200, False),
    ("between 1% and 3%", 2, 100, True),
    ("> 0%", 0, 0, False),
]
REFUSED = [
    "", "10", "> ", "> -1", "> ten", ">> 1", "=> 1", "> 1 and < 3", "> 1; drop table x", "between 1", "between 3 and 1",
    "between 1 and 3%", "in (1, 2)", "!= 0 or true", "> 1%%", "> 1,5",
]  # fmt: skip
ERROR, WARN = "error", "warn"
# Severity, warn_if, error_if, failing rows, and what is said; dbt's own way with each.
JUDGED = [
    (ERROR, None, None, 0, "pass"),
    (ERROR, None, None, 1, "error"),
    (ERROR, "> 0", "> 10", 0, "pass"),
    (ERROR, "> 0", "> 10", 10, "warn"),
    (ERROR, "> 0", "> 10", 11, "error"),
    (ERROR, "> 5", "> 10", 5, "pass"),
    (ERROR, None, "> 10", 1, "warn"),
    (ERROR, "> 5", None, 1, "error"),
    (WARN, None, None, 1, "warn"),
    (WARN, "> 5", None, 5, "pass"),
    (WARN, "> 5", "> 0", 6, "warn"),
    (WARN, "> 5", "> 0", 3, "pass"),
]


@pytest.mark.parametrize(("text", "failing", "checked", "holds"), HOLDS)
def test_an_expression_over_the_count(text, failing, checked, holds):
    threshold = read_threshold(text)
    assert threshold is not None
    assert threshold.holds(failing, checked) is holds


@pytest.mark.parametrize("text", REFUSED)
def test_what_says_nothing_of_a_count_is_not_read(text):
    assert read_threshold(text) is None


@pytest.mark.parametrize(("severity", "warn_if", "error_if", "failing", "verdict"), JUDGED)
def test_severity_decides_which_of_the_two_is_asked(severity, warn_if, error_if, failing, verdict):
    thresholds = [read_threshold(text) if text else None for text in (warn_if, error_if)]
    judged = judge(failing, 100, severity=severity, warn_if=thresholds[0], error_if=thresholds[1])
    assert judged == verdict
