"""Masking of personal data (PII), the same in Python and in DuckDB's SQL.

Belongs here: what a masked value looks like. Does not belong here: which columns are masked (the contract's
`meta: {pii: true}`) and when (publish, and the samples of failing rows).

A masked value is deterministic, so that masked tables can still be compared, and says only enough to recognise a
row one knows: the first character and the domain of an e-mail address, the last two digits of a phone number,
the first character of a name, nothing of anything else.
"""

from __future__ import annotations

import re
from typing import Literal

from leadflow.quality.sql_text import identifier

HIDDEN = "***"
# With fewer digits than this the last two would be most of the number.
_FEWEST_PHONE_DIGITS = 6

Kind = Literal["email", "phone", "name", "other"]


def kind_of(column: str) -> Kind:
    """What a column holds, by the words of its name: `work_email` is an email, `mobile_phone` a phone."""
    words = set(re.split(r"[^a-z]+", column.lower()))
    if words & {"email", "mail"}:
        return "email"
    if words & {"phone", "mobile", "telephone", "fax"}:
        return "phone"
    if words & {"name", "firstname", "lastname", "fullname", "surname"}:
        return "name"
    return "other"


def mask(value: object, column: str) -> str | None:
    """The masked form of a column's value; None stays None.

    Args:
        value: any scalar; it is taken as text.
        column: the column's name, which decides the kind of masking.
    """
    if value is None:
        return None
    text = str(value)
    kind = kind_of(column)
    if kind == "email" and re.fullmatch(r"[^@]+@[^@]+", text):
        local, domain = text.split("@")
        return f"{local[0]}{HIDDEN}@{domain}"
    if kind == "phone":
        digits = re.sub(r"[^0-9]", "", text)
        return HIDDEN + digits[-2:] if len(digits) >= _FEWEST_PHONE_DIGITS else HIDDEN
    if kind == "name":
        return text.strip(" ")[:1] + HIDDEN
    return HIDDEN


def mask_sql(column_name: str) -> str:
    """A DuckDB SQL expression over `column_name` that gives what `mask` gives."""
    text = f"cast({identifier(column_name)} as varchar)"
    kind = kind_of(column_name)
    if kind == "email":
        shown = f"left({text}, 1) || '{HIDDEN}@' || split_part({text}, '@', 2)"
        return (
            f"case when {text} is null then null "
            f"when regexp_full_match({text}, '[^@]+@[^@]+') then {shown} else '{HIDDEN}' end"
        )
    if kind == "phone":
        digits = f"regexp_replace({text}, '[^0-9]', '', 'g')"
        return (
            f"case when {text} is null then null "
            f"when length({digits}) >= {_FEWEST_PHONE_DIGITS} then '{HIDDEN}' || right({digits}, 2) "
            f"else '{HIDDEN}' end"
        )
    if kind == "name":
        return f"left(trim({text}, ' '), 1) || '{HIDDEN}'"
    return f"case when {text} is null then null else '{HIDDEN}' end"
