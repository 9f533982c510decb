"""Numbers in plain international form, held against the numbering plans without a parser's detours.

Belongs here: '+49 170 9353624' and the like, of which nearly all phone fields are. Does not belong here: whatever has to be
interpreted first, or is wrong (phones.py, which asks the library).

The plans are those of package `phonenumbers`, and so is the order in which they are asked: where this answers, the library's
parser gives the same, at twenty times the cost. Where a number might be read in two ways, this has no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata, PhoneNumberDesc

_PLAIN = re.compile(r"(\+|00)([1-9][0-9]*(?:[ -][0-9]+)*)")
_LONGEST_CODE = 3  # digits of a country code
SHORTEST_NATIONAL = 4  # digits; shorter ones are left to the library, too


class PlainNumber(NamedTuple):
    """A number that is given out.

    Attributes:
        code: country code.
        national: national number, which begins with no 0.
        region: ISO 3166-1 alpha-2, '001' for numbers of no country.
        kind: one of `phonenumbers.PhoneNumberType`, not UNKNOWN.
    """

    code: str
    national: str
    region: str
    kind: int


@dataclass(frozen=True)
class NumberRange:
    """Numbers of one kind: lengths that come (none for any), and how they look."""

    lengths: frozenset[int]
    pattern: re.Pattern[str]

    def holds(self, national: str) -> bool:
        """Whether a national number is of this kind."""
        return (not self.lengths or len(national) in self.lengths) and self.pattern.fullmatch(
            national
        ) is not None


@dataclass(frozen=True)
class RegionPlan:
    """The plan of one region: kinds in the order in which they are asked, fixed line and mobile apart."""

    region: str
    leading: re.Pattern[str] | None
    general: NumberRange | None
    kinds: tuple[tuple[int, NumberRange], ...]
    fixed: NumberRange | None
    mobile: NumberRange | None
    is_same: bool

    def kind_of(self, national: str) -> int | None:
        """The kind of a national number; None where no such number is given out."""
        from phonenumbers import PhoneNumberType as Type

        if self.general is None or not self.general.holds(national):
            return None
        length = len(national)
        for kind, numbers in self.kinds:  # as `holds` says, without a call for each
            if (not numbers.lengths or length in numbers.lengths) and numbers.pattern.fullmatch(national):
                return kind
        is_mobile = self.mobile is not None and (self.is_same or self.mobile.holds(national))
        if self.fixed is not None and self.fixed.holds(national):
            return int(Type.FIXED_LINE_OR_MOBILE if self.is_same or is_mobile else Type.FIXED_LINE)
        return int(Type.MOBILE) if is_mobile and not self.is_same else None


@dataclass(frozen=True)
class CountryPlan:
    """The plans behind one country code."""

    trunk: re.Pattern[str] | None
    regions: tuple[RegionPlan, ...]


def plain_number(text: str) -> PlainNumber | None:
    """The number that a text in plain international form is; None where it is none, or where only the library can tell.

    Plain: '+' or '00', country code and national number in ASCII digits, single spaces or hyphens between them. What may begin
    with a trunk prefix, as in '+44 020 ...', is not answered.
    """
    found = _PLAIN.fullmatch(text)
    if found is None:
        return None
    digits = found[2].replace(" ", "").replace("-", "")
    code = code_of(digits)
    plan = None if code is None else plan_of(code)
    return None if code is None or plan is None else _in_plan(plan, code, digits[len(code) :])


def code_of(digits: str) -> str | None:
    """The country code that digits begin with; None where there is none such."""
    starts = (digits[:length] for length in range(1, _LONGEST_CODE + 1))
    return next((start for start in starts if plan_of(start) is not None), None)


def _in_plan(plan: CountryPlan, code: str, national: str) -> PlainNumber | None:
    if len(national) < SHORTEST_NATIONAL or national[0] == "0":
        return None
    if plan.trunk is not None and plan.trunk.match(national):
        return None
    for each in plan.regions:
        if len(plan.regions) > 1 and each.leading is not None:
            if each.leading.match(national):
                kind = each.kind_of(national)
                return None if kind is None else PlainNumber(code, national, each.region, kind)
        else:
            kind = each.kind_of(national)
            if kind is not None:
                return PlainNumber(code, national, each.region, kind)
    return None


@lru_cache(maxsize=2_000)
def plan_of(code: str) -> CountryPlan | None:
    """The plan of a country code; None where there is no such code."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    if regions is None:
        return None
    known = [
        (region, PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)) for region in regions
    ]
    plans = tuple(_region_plan(region, metadata) for region, metadata in known if metadata is not None)
    main = known[0][1]
    trunk = None if main is None else main.national_prefix_for_parsing
    return CountryPlan(re.compile(trunk) if trunk else None, plans)


def _region_plan(region: str, metadata: PhoneMetadata) -> RegionPlan:
    from phonenumbers import PhoneNumberType as Type

    asked = (
        (Type.PREMIUM_RATE, metadata.premium_rate),
        (Type.TOLL_FREE, metadata.toll_free),
        (Type.SHARED_COST, metadata.shared_cost),
        (Type.VOIP, metadata.voip),
        (Type.PERSONAL_NUMBER, metadata.personal_number),
        (Type.PAGER, metadata.pager),
        (Type.UAN, metadata.uan),
        (Type.VOICEMAIL, metadata.voicemail),
    )
    ranges = ((int(kind), _range(desc)) for kind, desc in asked)
    return RegionPlan(
        region=region,
        leading=None if metadata.leading_digits is None else re.compile(metadata.leading_digits),
        general=_range(metadata.general_desc),
        kinds=tuple((kind, numbers) for kind, numbers in ranges if numbers is not None),
        fixed=_range(metadata.fixed_line),
        mobile=_range(metadata.mobile),
        is_same=bool(metadata.same_mobile_and_fixed_line_pattern),
    )


def _range(desc: PhoneNumberDesc | None) -> NumberRange | None:
    if desc is None or not desc.national_number_pattern:
        return None
    return NumberRange(frozenset(desc.possible_length), re.compile(desc.national_number_pattern))
