"""Phone numbers: E.164 by country, what is wrong with one, and which country a text names.

Belongs here: what the number itself tells. Does not belong here: whether anybody answers, what a bad number means for a
record (policy.yaml), WeChat ids.

Numbering plans: package `phonenumbers`, the Python port of Google's libphonenumber (Apache-2.0). Its names of countries, in
some twenty languages, also tell which country a text means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from leadflow.text.numbering_plans import plain_number
from leadflow.text.values import is_absent, tidy

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber as Number

PhoneKind = Literal["mobile", "landline", "either", "service", "unknown"]
"""service: toll-free, shared cost, premium and company-wide numbers (400... in China), which stand for no person; either:
the plan does not tell mobile from landline (North America)."""
PhoneProblem = Literal["not_a_number", "fake", "too_short", "too_long", "no_country", "invalid"]

PHONE_PROBLEMS: dict[PhoneProblem, str] = {
    "not_a_number": "It holds no phone number.",
    "fake": "Its digits are a run or one figure over and over, as typed where a form insists.",
    "too_short": "It has too few digits for a phone number of its country.",
    "too_long": "It has too many digits for a phone number of its country.",
    "no_country": "It names no country and the record gives none, so that its country code cannot be told.",
    "invalid": "No such number is given out in its country.",
}

LONGEST_FIELD = 200  # characters; two numbers with extensions and remarks fit well
_SHORTEST_NUMBER = 5
LONGEST_NUMBER = 15  # digits, ITU-T E.164
_SAME_DIGITS = 7  # in a row
_RUN_DIGITS = 8  # in a row, each one more or one less than the one before, 0 after 9

_EXTENSION = re.compile(r"[,;(]?\s*(?:转|轉|分机号?|分機號?|内线|內線|extension|ext|durchwahl|dw|poste|anexo|ramal|interno)\s*[.:]?\s*(\d{1,6})\)?", re.IGNORECASE)  # fmt: skip
_BETWEEN_NUMBERS = re.compile(
    r"\s*(?:[;,|、\n\t]|/|\bor\b|\boder\b|\band\b|\bund\b|&|或者?|和|及|\s{2,}|(?=\+)|\s(?=00[1-9]))\s*"
)
_CHINESE_MOBILE = re.compile(r"1[3-9]\d{9}")
_CHINESE_MOBILES = re.compile(r"(?<!\d)1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)")
_NOT_DIGIT = re.compile(r"\D")
_SAME = re.compile(rf"(\d)\1{{{_SAME_DIGITS - 1}}}")
_RUN = re.compile(
    "|".join(
        "".join(str((first + step * at) % 10) for at in range(_RUN_DIGITS))
        for first in range(10)
        for step in (1, -1)
    )
)
_REMARK = re.compile(r"[\s(\[]*[\u3400-\u9fff][\u3400-\u9fff\s/:()\[\]]*$")
"""Chinese words behind a number, as in '... (微信)' and '... 微信同号', with which the library reads none."""
_FICTION = re.compile(r"1?[2-9]\d{2}55501\d{2}")  # North American numbers kept for films


@dataclass(frozen=True)
class PhoneNumber:
    """One phone number.

    Attributes:
        e164: '+', country code and national number, without the extension.
        extension: digits within the company; None where there is none.
        country: ISO 3166-1 alpha-2; '' where the number belongs to none (satellites, international toll-free).
        kind: what the numbering plan says of its range.
        is_valid: whether numbers of this range are given out; else only its length is right.
    """

    e164: str
    extension: str | None
    country: str
    kind: PhoneKind
    is_valid: bool


@dataclass(frozen=True)
class PhoneReading:
    """What a phone field says: its numbers in their order, and what is wrong where there is no valid one."""

    numbers: tuple[PhoneNumber, ...]
    problem: PhoneProblem | None


def normalise_phone(text: str | None, country: str | None = None) -> str | None:
    """E.164 of the first number of a field, valid ones first; None where it holds none or a fake one.

    Args:
        text: as given: any punctuation, full-width digits, two numbers in one field, extensions.
        country: name or code (`country_code`) that a number without country code is taken to be of. Without it, a
            number written internationally and an eleven-digit Chinese mobile number are understood.

    Idempotent. A number of the right length whose range is not given out (`read_phones` says so) is kept: numbering plans
    grow, and for matching it is as good as another.
    """
    return phone_of(read_phones(text, country))


def phone_of(reading: PhoneReading) -> str | None:
    """E.164 of the first number of a reading, valid ones first; None where there is none."""
    numbers = reading.numbers
    return next((number for number in numbers if number.is_valid), numbers[0]).e164 if numbers else None


def phone_problem(text: str | None, country: str | None = None) -> PhoneProblem | None:
    """What is wrong with a phone field (`PHONE_PROBLEMS`); None where it holds a valid number or says nothing."""
    return None if text is None or is_absent(text) else read_phones(text, country).problem


@lru_cache(maxsize=200_000)
def read_phones(text: str | None, country: str | None = None) -> PhoneReading:
    """All numbers of a phone field, without repeats; arguments as of `normalise_phone`. Fake numbers are none."""
    if text is not None and (plain := plain_phone(text)) is not None:
        return PhoneReading((plain,), None)
    if text is None or is_absent(text):
        return PhoneReading((), "not_a_number")
    written = _EXTENSION.sub(r" ext. \1 ", tidy(text[: 2 * LONGEST_FIELD]))
    if len(written) > LONGEST_FIELD:
        return PhoneReading((), "too_long")
    region = country_code(country)
    whole = _read_one(written, region)
    if whole.numbers and whole.numbers[0].is_valid:
        return whole
    pieces = [piece for piece in _BETWEEN_NUMBERS.split(written) if piece]
    mobiles = _CHINESE_MOBILES.findall(written)
    if len(pieces) < 2 and len(mobiles) < 2:
        return whole
    readings = [_read_one(piece, region) for piece in (mobiles if len(mobiles) > 1 else pieces)]
    found = dict.fromkeys(number for reading in readings for number in reading.numbers)
    valid = tuple(number for number in found if number.is_valid)
    return PhoneReading(valid, None) if valid else _first_with_problem((whole, *readings))


def plain_phone(text: str) -> PhoneNumber | None:
    """The number of a field that holds a valid one in international form and nothing else, as `read_phones` reads it, at a
    fraction of its cost; None of any other, which may hold numbers all the same."""
    plain = plain_number(text)
    if plain is None or len(text) > LONGEST_FIELD:
        return None
    digits = _NOT_DIGIT.sub("", text)
    if len(digits) > LONGEST_NUMBER + 2 or is_fake_number(digits) or is_fake_number(plain.national):
        return None
    return PhoneNumber(f"+{plain.code}{plain.national}", None, plain.region, _kind(plain.kind), True)


def _first_with_problem(readings: tuple[PhoneReading, ...]) -> PhoneReading:
    """A fake number says more than a bad length; a possible number more than none."""
    fakes = (reading for reading in readings if reading.problem == "fake")
    possible = (reading for reading in readings if reading.numbers)
    return next(fakes, None) or next(possible, readings[0])


def _read_one(text: str, region: str | None) -> PhoneReading:
    import phonenumbers as library

    digits = _NOT_DIGIT.sub("", text.partition("ext.")[0])
    if is_fake_number(digits):
        return PhoneReading((), "fake")
    if len(digits) < _SHORTEST_NUMBER:
        has_words = sum(letter.isalpha() for letter in text) > len(digits)
        return PhoneReading((), "not_a_number" if has_words or not digits else "too_short")
    if len(digits) > LONGEST_NUMBER + 2:  # and 00
        return PhoneReading((), "too_long")
    text = _REMARK.sub("", text)
    is_international = text.lstrip("( ").startswith(("+", "00"))
    if not is_international and region is None and _CHINESE_MOBILE.fullmatch(digits):
        region = "CN"
    written = "+" + text.lstrip("( ")[2:] if text.lstrip("( ").startswith("00") else text
    if region is None and not is_international:
        written = f"+{digits}"  # a country code without its plus: right only if such a number is given out
    try:
        number = library.parse(written, region)
    except library.NumberParseException as error:
        kind = library.NumberParseException
        problems: dict[int, PhoneProblem] = {
            kind.TOO_LONG: "too_long", kind.TOO_SHORT_NSN: "too_short", kind.TOO_SHORT_AFTER_IDD: "too_short",
            kind.INVALID_COUNTRY_CODE: "invalid" if is_international else "no_country",
        }  # fmt: skip
        return PhoneReading((), problems.get(error.error_type, "not_a_number"))
    number_type = library.number_type(number)
    is_valid = (
        number_type != library.PhoneNumberType.UNKNOWN
    )  # what is_valid_number asks, without asking again
    if not is_valid and region is None and not is_international:
        return PhoneReading((), "no_country")
    return _checked(number, number_type, is_valid)


def _checked(number: Number, number_type: int, is_valid: bool) -> PhoneReading:
    import phonenumbers as library

    national = library.national_significant_number(number)
    if is_fake_number(national):
        return PhoneReading((), "fake")
    if not is_valid and (wrong := _wrong_length(number)) is not None:
        return PhoneReading((), wrong)
    found = PhoneNumber(
        e164=f"+{number.country_code}{national}",
        extension=number.extension,
        country=library.region_code_for_number(number) or "",
        kind=_kind(number_type),
        is_valid=is_valid,
    )
    return PhoneReading((found,), None if is_valid else "invalid")


def _wrong_length(number: Number) -> PhoneProblem | None:
    import phonenumbers as library

    reason = library.ValidationResult
    length = library.is_possible_number_with_reason(number)
    if length == reason.IS_POSSIBLE:
        return None
    if length in {reason.TOO_SHORT, reason.IS_POSSIBLE_LOCAL_ONLY}:
        return "too_short"
    return "too_long" if length == reason.TOO_LONG else "invalid"


@lru_cache(maxsize=32)
def _kind(number_type: int) -> PhoneKind:
    from phonenumbers import PhoneNumberType as Type

    kinds: dict[int, PhoneKind] = {
        Type.MOBILE: "mobile", Type.FIXED_LINE: "landline", Type.VOIP: "landline", Type.FIXED_LINE_OR_MOBILE: "either",
        Type.PERSONAL_NUMBER: "mobile", Type.PAGER: "mobile", Type.UNKNOWN: "unknown",
    }  # fmt: skip
    return kinds.get(number_type, "service")


def is_fake_number(digits: str) -> bool:
    """Whether digits are typed for a form's sake: 00000000, 5555555555, 12345678901, 1212121212, 13800000000, 555-0100.

    Seven equal figures in a row, a run of eight up or down, or one or two figures repeated throughout (seven digits or
    more). One number in some hundred thousand given out is like that.
    """
    if _SAME.search(digits) or _FICTION.fullmatch(digits):
        return True
    if len(digits) >= _SAME_DIGITS and len(set(digits[0::2])) == len(set(digits[1::2])) == 1:
        return True
    return _RUN.search(digits) is not None


@lru_cache(maxsize=1)
def may_be_fake_pattern() -> str:
    """A pattern, without references back, that finds something in all digits that `is_fake_number` holds for fake, and in a few more."""
    same = [figure * _SAME_DIGITS for figure in "0123456789"]
    turns = [f"{one}{other}" * (_SAME_DIGITS // 2) + one for one in "0123456789" for other in "0123456789"]
    return f"{'|'.join(same)}|^(?:{'|'.join(turns)})|{_RUN.pattern}|^(?:{_FICTION.pattern})$"


@lru_cache(maxsize=10_000)
def country_code(text: str | None) -> str | None:
    """ISO 3166-1 alpha-2 of a country's code or name ('DE', 'deu', 'Germany', 'Deutschland', '德国'); None where unknown."""
    if text is None or not tidy(text):
        return None
    given = tidy(text).casefold()
    return _countries().get(given) or _countries().get(re.sub(r"^the |[.\s]", "", given))


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    from phonenumbers import SUPPORTED_REGIONS
    from phonenumbers.geodata.locale import LOCALE_DATA

    names = {code.casefold(): code for code in SUPPORTED_REGIONS}
    for code, by_language in sorted(LOCALE_DATA.items()):
        for name in by_language.values():
            if not name.startswith("*"):  # else it says which other language's name it is
                names.setdefault(name.casefold(), code)
                names.setdefault(re.sub(r"[.\s]", "", name.casefold()), code)
    return names | _MORE_COUNTRIES


# What forms also write; the library's names are those of Unicode CLDR.
_MORE_COUNTRIES = {
    name: code
    for code, names in {
        "US": "usa u.s.a. u.s. america unitedstatesofamerica 美国 美國",
        "GB": "uk u.k. gbr greatbritain britain england scotland wales 英国 英國",
        "CN": "chn prc prchina mainlandchina 中国 中国大陆 中國 中國大陸",
        "DE": "deu ger 德国 德國", "FR": "fra 法国", "JP": "jpn 日本", "KR": "kor korea southkorea republicofkorea 韩国 南韓",
        "TW": "twn taiwan 台湾 台灣 臺灣 中国台湾", "HK": "hkg hongkong hongkongsar 香港 中国香港", "MO": "macau macao 澳门 澳門",
        "SG": "sgp 新加坡", "IN": "ind 印度", "AU": "aus 澳大利亚", "CA": "can 加拿大", "CH": "che", "AT": "aut", "NL": "nld holland",
        "ES": "esp", "IT": "ita", "BR": "bra", "MX": "mex", "RU": "rus russia russianfederation", "AE": "are uae u.a.e.",
        "CZ": "cze czechrepublic", "TR": "tur turkey türkiye", "VN": "vnm vietnam", "SE": "swe", "PL": "pol", "BE": "bel",
    }.items()
    for name in names.split()
}  # fmt: skip
