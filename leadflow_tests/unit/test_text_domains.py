"""Bare domains of web addresses, and functions brought to whole columns."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.text.domains import registrable_domain, web_domain
from leadflow.text.values import is_absent, tidy
from leadflow.text.vectors import map_distinct


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme.com", "acme.com"),
        (" ACME.com ", "acme.com"),
        ("https://www.acme.com/de/?a=b", "acme.com"),
        ("http://acme.com:8080", "acme.com"),
        ("//acme.com", "acme.com"),
        ("www.acme.com.", "acme.com"),
        ("shop.acme.co.uk", "shop.acme.co.uk"),
        ("www.com", "www.com"),
        ("acme", None),
        ("", None),
        ("n/a", None),
        (None, None),
    ],
)
def test_web_domain(text: str | None, expected: str | None) -> None:
    assert web_domain(text) == expected


@given(st.text(max_size=30) | st.text(alphabet="w.a:/@", max_size=20))
def test_web_domain_is_idempotent(text: str) -> None:
    once = web_domain(text)
    assert web_domain(once) == once


@given(st.text(max_size=20))
def test_tidy_is_idempotent(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


@pytest.mark.parametrize(
    ("text", "expected"), [(None, True), (" N/A ", True), ("ｎ／ａ", True), ("0", False), ("Nan Li", False)]
)
def test_is_absent(text: str | None, expected: bool) -> None:
    assert is_absent(text) == expected


def test_map_distinct_calls_once_per_text_and_keeps_order_and_nulls() -> None:
    calls: list[str] = []

    def shout(text: str) -> str | None:
        calls.append(text)
        return None if text == "c" else text.upper()

    mapped = map_distinct(pl.Series("given", ["b", None, "a", "b", "c"]), shout, pl.String())
    assert mapped.to_list() == ["B", None, "A", "B", None]
    assert mapped.name == "given"
    assert sorted(calls) == ["a", "b", "c"]


def test_map_distinct_of_nothing_keeps_the_type() -> None:
    assert (
        map_distinct(pl.Series("given", [], dtype=pl.String), str.islower, pl.Boolean()).dtype == pl.Boolean
    )


@pytest.mark.parametrize(
    ("domain", "registered"),
    [
        ("acme.com", "acme.com"),
        ("de.acme.com", "acme.com"),
        ("mail.de.acme.co.uk", "acme.co.uk"),
        ("acme.com.cn", "acme.com.cn"),
        ("acme.blogspot.com", "acme.blogspot.com"),
        ("mail.acme.example", "acme.example"),
        ("mail.xn--fsqu00a.xn--fiqs8s", "xn--fsqu00a.xn--fiqs8s"),
        ("co.uk", None),
        ("blogspot.com", None),
        ("com", None),
        ("a..com", None),
        ("", None),
    ],
)
def test_what_of_a_domain_its_owner_registered(domain: str, registered: str | None) -> None:
    assert registrable_domain(domain) == registered
    if registered is not None:
        assert registrable_domain(registered) == registered
