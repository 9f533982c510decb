"""What is compared of a person: fields by kind, found by their header names, made ready once per distinct value.

Belongs here: kinds of fields and their normal form. Does not belong here: how two values are compared
(linkage_comparisons.py), and leadflow's own lead records, whose columns are known (linkage_leads.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from leadflow.errors import LeadflowError

if TYPE_CHECKING:
    import polars as pl

FieldKind = Literal[
    "given_name", "family_name", "date", "email", "phone", "place", "postcode", "region", "street",
    "house_number", "number", "company", "domain", "country",
]  # fmt: skip
FIELD_KINDS: tuple[FieldKind, ...] = get_args(FieldKind)

LONGEST = 200
"""Characters of a value that are compared: the cost of comparing grows with the square of the length."""

_HEADERS: dict[FieldKind, frozenset[str]] = {
    "given_name": frozenset({"given_name", "first_name", "firstname", "forename", "givenname", "fname", "vorname"}),
    "family_name": frozenset(
        {"family_name", "surname", "last_name", "lastname", "familyname", "lname", "nachname"}
    ),
    "date": frozenset({"date_of_birth", "dob", "birth_date", "birthdate", "birthday", "date", "geburtsdatum"}),
    "email": frozenset({"email", "e_mail", "mail", "email_address", "mailbox"}),
    "phone": frozenset(
        {"phone", "telephone", "tel", "mobile", "phone_number", "mobile_number", "cell", "phone_1"}
    ),
    "place": frozenset({"city", "town", "suburb", "place", "municipality", "birth_place", "locality"}),
    "postcode": frozenset({"postcode", "post_code", "postal_code", "zip", "zip_code", "zipcode", "plz"}),
    "region": frozenset({"state", "region", "province", "county", "bundesland"}),
    "street": frozenset({"street", "address", "address_1", "address_2", "address1", "address2", "street_name"}),
    "house_number": frozenset({"street_number", "house_number", "house_no", "number", "hausnummer"}),
    "number": frozenset({"customer_number", "member_number", "id_number", "account_number"}),
    "company": frozenset({"company", "company_name", "organisation", "organization", "employer", "firm"}),
    "domain": frozenset({"domain", "website", "web", "url"}),
    "country": frozenset({"country", "nation", "country_code"}),
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One column that is compared.

    Attributes:
        column: its name in the records.
        kind: of `FIELD_KINDS`.
        name: its name once made ready: the kind, numbered from the second of its kind on.
    """

    column: str
    kind: FieldKind
    name: str


def header_name(header: str) -> str:
    """A header as it is looked up: lower case, words joined by underscores."""
    return re.sub(r"[^a-z0-9]+", "_", header.strip().lower()).strip("_")


def guess_fields(headers: Sequence[str], ignored: Sequence[str] = ()) -> tuple[Field, ...]:
    """The fields that header names tell, in order; headers that tell nothing are left out, and so are those ignored."""
    kinds = {
        header: kind
        for header in headers
        if header not in ignored
        for kind, names in _HEADERS.items()
        if header_name(header) in names
    }
    return _named(list(kinds.items()))


def declared_fields(columns: Mapping[str, Sequence[str]]) -> tuple[Field, ...]:
    """Fields from kind → columns; LeadflowError for a kind that there is none of."""
    for kind in columns:
        if kind not in FIELD_KINDS:
            raise LeadflowError(
                f"There is no kind of field '{kind}'", f"take one of {', '.join(FIELD_KINDS)}"
            )
    return _named([(column, kind) for kind in FIELD_KINDS for column in columns.get(kind, ())])


def _named(columns: Sequence[tuple[str, FieldKind]]) -> tuple[Field, ...]:
    fields: list[Field] = []
    for column, kind in columns:
        same = sum(field.kind == kind for field in fields)
        fields.append(Field(column, kind, kind if not same else f"{kind}_{same + 1}"))
    return tuple(fields)


def prepare(records: pl.DataFrame, fields: Sequence[Field], key: str) -> pl.DataFrame:
    """Records ready to compare: unique_id (the text of the key column), per field its normal value, and what follows from it.

    Beyond the value, by kind: given names have `_formal` (itself and what it is short for) and `_start`; family names
    `_start` (its first three letters); dates `_year`; e-mail addresses `_local` and `_domain`; streets and places
    `_letters` (their letters in order, so that words joined or turned still meet). Every column is a function of its row alone.
    """
    import polars as pl

    kept = records.select(pl.col(key).cast(pl.String).alias("unique_id"))
    for field in fields:
        source = records.get_column(field.column).cast(pl.String).alias("value")
        made = _made(source, field)
        found = source.to_frame().join(made, on="value", how="left", maintain_order="left").drop("value")
        kept = kept.hstack(found)
    return kept


def _made(source: pl.Series, field: Field) -> pl.DataFrame:
    """Each distinct value with what is made of it."""
    import polars as pl

    values = source.drop_nulls().unique().sort()
    columns = [
        pl.Series(
            field.name + suffix,
            [make(value[:LONGEST]) for value in values],
            dtype=pl.List(pl.String) if makes_list else pl.String,
        )
        for suffix, (make, makes_list) in _DERIVED[field.kind].items()
    ]
    return pl.DataFrame([values, *columns])


def _letters(text: str) -> str | None:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum()) or None


def _words(text: str) -> str | None:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(
        letter if letter.isalnum() else " " for letter in decomposed if not unicodedata.combining(letter)
    )
    return " ".join(kept.split()) or None


def _start(text: str) -> str | None:
    letters = _letters(text)
    return letters[:3] if letters else None


def _formal(text: str) -> list[str]:
    from leadflow.text.person_matching import formal_names

    name = _letters(text)
    return sorted({name, *formal_names(name)}) if name else []


def _date(text: str) -> str | None:
    """Eight digits, year first; a day that no calendar has is kept, as a typing slip."""
    groups = re.findall(r"\d+", text.split("T")[0].split(" ")[0])
    if len(groups) == 1 and len(groups[0]) == 8:
        return str(groups[0])
    if len(groups) == 3 and len(groups[0]) == 4:
        return f"{groups[0]}{groups[1]:0>2}{groups[2]:0>2}"
    if len(groups) == 3 and len(groups[2]) == 4:
        return f"{groups[2]}{groups[1]:0>2}{groups[0]:0>2}"
    return "".join(groups) or None


def _year(text: str) -> str | None:
    date = _date(text)
    return date[:4] if date else None


def _email(text: str) -> str | None:
    return text.strip().casefold() or None


def _local(text: str) -> str | None:
    local = (_email(text) or "").partition("@")[0]
    return local if len(local) > 1 else None


def _domain(text: str) -> str | None:
    return (_email(text) or "").partition("@")[2].removeprefix("www.") or None


def _site(text: str) -> str | None:
    return re.sub(r"^[a-z]+://|/.*$", "", text.strip().casefold()).removeprefix("www.") or None


def _digits(text: str) -> str | None:
    """The last nine digits: what stays the same with and without country code and trunk prefix."""
    digits = "".join(re.findall(r"\d", text))
    return digits[-9:] if len(digits) > 4 else None


def _company(text: str) -> str | None:
    from leadflow.text.companies import company_key

    return company_key(text)


def _sorted_letters(text: str) -> str | None:
    letters = _letters(text)
    return "".join(sorted(letters)) if letters else None


_WORDS: dict[str, tuple[Callable[[str], object], bool]] = {
    "": (_words, False),
    "_letters": (_sorted_letters, False),
}
_CODE: dict[str, tuple[Callable[[str], object], bool]] = {"": (_letters, False)}
_DERIVED: dict[FieldKind, dict[str, tuple[Callable[[str], object], bool]]] = {
    "given_name": {"": (_letters, False), "_start": (_start, False), "_formal": (_formal, True)},
    "family_name": {"": (_letters, False), "_start": (_start, False)},
    "date": {"": (_date, False), "_year": (_year, False)},
    "email": {"": (_email, False), "_local": (_local, False), "_domain": (_domain, False)},
    "phone": {"": (_digits, False)},
    "place": _WORDS, "street": _WORDS,
    "postcode": _CODE, "region": _CODE, "house_number": _CODE, "number": _CODE, "country": _CODE,
    "company": {"": (_company, False)}, "domain": {"": (_site, False)},
}  # fmt: skip
"""By kind: suffix of the column → how it is made of a value, and whether it is a list."""
