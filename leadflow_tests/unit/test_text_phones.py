from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumberFormat,
    example_number_for_type,
    format_number,
    is_valid_number,
    number_type,
    parse,
    region_code_for_number,
    supported_types_for_region,
)

from leadflow.text.numbering_plans import plain_number
from leadflow.text.phones import (
    PHONE_PROBLEMS,
    country_code,
    is_fake_number,
    normalise_phone,
    phone_problem,
    read_phones,
)


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("138 1034 5677", None, "+8613810345677"),  # a Chinese mobile number is plain without a country
        ("１３８１０３４５６７７", "中国", "+8613810345677"),
        ("86 138 1034 5679", None, "+8613810345679"),
        ("(030) 2345 6712", "Germany", "+493023456712"),
        ("030/23456712", "DE", "+493023456712"),  # the slash is the area code's
        ("0049 30 2345671", None, "+49302345671"),
        ("+49 (0)30 2345671", "US", "+49302345671"),  # its own country code goes first
        ("415-555-2671 x12", "USA", "+14155552671"),
        ("021-62345671转8012", "CN", "+862162345671"),
        ("Tel: 0172 5551234, Büro 030 2345671", "DE", "+491725551234"),
        ("020 7946 0958", "UK", "+442079460958"),
        ("13987624320 微信同号", None, "+8613987624320"),
        ("139 8762 4320（微信）", "CN", "+8613987624320"),
        ("wx: jane", "CN", None),
        ("call me", "US", None),
        ("138 1234 5678", "CN", None),
        ("", "CN", None),
        ("n/a", None, None),
        (None, "DE", None),
    ],
)
def test_normalise_phone(text: str | None, country: str | None, e164: str | None) -> None:
    assert normalise_phone(text, country) == e164


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+49 30 2345671 / +49 172 5551234", ["+49302345671", "+491725551234"]),
        ("13810345679 13987624320", ["+8613810345679", "+8613987624320"]),
        ("13810345679或13987624320", ["+8613810345679", "+8613987624320"]),
        ("13810345679；13810345679", ["+8613810345679"]),
    ],
)
def test_two_numbers_in_one_field(text: str, expected: list[str]) -> None:
    reading = read_phones(text)
    assert [number.e164 for number in reading.numbers] == expected
    assert reading.problem is None


def test_extension_and_kind() -> None:
    (number,) = read_phones("021-62345671 转 8012", "CN").numbers
    assert (number.extension, number.kind, number.country) == ("8012", "landline", "CN")
    assert [read_phones(text, "CN").numbers[0].kind for text in ("400-820-1234", "13810345677")] == [
        "service",
        "mobile",
    ]


@pytest.mark.parametrize(
    ("text", "country", "problem"),
    [
        ("12345678901", "CN", "fake"),
        ("00000000", None, "fake"),
        ("+86 13800000000", None, "fake"),
        ("111-1111-1111", "US", "fake"),
        ("+1 415 555 0100", None, "fake"),
        ("12", "US", "too_short"),
        ("13812", "CN", "too_short"),
        ("+49", None, "too_short"),
        ("call me", "US", "not_a_number"),
        ("电话", "CN", "not_a_number"),
        ("030 2345671", None, "no_country"),
        ("8" * 3 + "12907" * 4, "DE", "too_long"),
        ("a" * 10_000, "DE", "too_long"),
        ("13810345677", "CN", None),
        ("", "CN", None),
        (None, None, None),
    ],
)
def test_phone_problem(text: str | None, country: str | None, problem: str | None) -> None:
    assert phone_problem(text, country) == problem
    assert problem is None or PHONE_PROBLEMS[problem]


@pytest.mark.parametrize("digits", ["13810345677", "3023456712", "4155552671", "62345671"])
def test_numbers_that_are_no_fakes(digits: str) -> None:
    assert not is_fake_number(digits)


@pytest.mark.parametrize(
    ("text", "code"),
    [("Germany", "DE"), ("Deutschland", "DE"), ("德国", "DE"), ("USA", "US"), ("中國", "CN"), ("NA", "NA"), ("UK", "GB"),
     ("the Netherlands", "NL"), ("Narnia", None), ("", None), (None, None)],
)  # fmt: skip
def test_country_code(text: str | None, code: str | None) -> None:
    assert country_code(text) == code


@settings(max_examples=200)
@given(
    st.text(alphabet="0123456789+-()/ ;,x转", max_size=40) | st.text(max_size=40),
    st.sampled_from([None, "CN", "DE", "US"]),
)
def test_normalising_twice_changes_nothing(text: str, country: str | None) -> None:
    once = normalise_phone(text, country)
    assert once is None or normalise_phone(once) == once


def _written_internationally() -> Iterator[str]:
    """For every region and kind of its example numbers, and for every country code: right ones, and ones with other digits."""
    chance = Random(20261123)
    for region in sorted(SUPPORTED_REGIONS):
        for kind in sorted(supported_types_for_region(region)):
            example = example_number_for_type(region, kind)
            if example is None:
                continue
            written = format_number(example, PhoneNumberFormat.INTERNATIONAL)
            yield written
            yield f"00{example.country_code} {example.national_number}"
            for _ in range(4):
                kept = len(written) - chance.randrange(1, 8)
                yield written[:kept] + "".join(
                    str(chance.randrange(10)) if figure.isdigit() else figure for figure in written[kept:]
                )
    for code in range(1, 1000):
        for length in (3, 6, 8, 9, 10, 11, 13):
            yield f"+{code} {chance.randrange(10 ** (length - 1), 10**length)}"


def test_plain_numbers_are_read_as_the_library_reads_them() -> None:
    answered = valid = 0
    for text in _written_internationally():
        found = plain_number(text)
        try:
            number = parse("+" + text[2:] if text.startswith("00") else text)
        except NumberParseException:
            assert found is None, text
            continue
        valid += is_valid_number(number)
        if found is not None:
            answered += 1
            assert (f"+{found.code}{found.national}", found.region, found.kind) == (
                format_number(number, PhoneNumberFormat.E164),
                region_code_for_number(number),
                number_type(number),
            ), text
            assert is_valid_number(number), text
    assert answered > 0.8 * valid > 2_000


@pytest.mark.parametrize(
    "text", ["+49 170 9353624", "0086 139 44158392", "+1 415-555-2671", "+44 020 7946 0958"]
)
def test_a_plain_field_is_read_as_the_same_with_words_around(text: str) -> None:
    assert read_phones(text) == read_phones(f"Tel: {text}") == read_phones(f" {text} ", "DE")


@pytest.mark.parametrize(
    "text", ["+49", "+0049 170 9353624", "0170 9353624", "+49 170 9353624 ", "+999 12345678", "٤٩", ""]
)
def test_what_has_to_be_interpreted_is_no_plain_number(text: str) -> None:
    assert plain_number(text) is None
