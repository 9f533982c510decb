"""What a source's settings are made of: the values that fill a column, when a fact became known, how a file is written.

Belongs here: these parts as types, each validated by itself. Does not belong here: a source as a whole and the file that
lists them (sources.py), and what a mapping means in SQL (mapping.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from leadflow.config_files import Strict


class Expression(Strict):
    """A value computed by SQL over the file's columns.

    Attributes:
        expression: DuckDB SQL; a column whose name has blanks or capitals stands in double quotes.
    """

    expression: str


class Constant(Strict):
    """A value that is the same in every row.

    Attributes:
        constant: the value.
    """

    constant: str | int | float | bool


class KeyOf(Strict):
    """A key made of several columns, for files whose rows have no id.

    Two rows whose named columns hold the same get the same key, whatever the file or source: the MD5 of the trimmed
    texts as a JSON list. A blank counts as nothing, and a row with nothing in all of them has no key.

    Attributes:
        key_of: columns of the file that tell its rows apart together.
    """

    key_of: tuple[str, ...] = Field(min_length=1)

    @field_validator("key_of")
    @classmethod
    def _once_each(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(columns)) < len(columns):
            raise ValueError("names a column twice")
        return columns


class Numbers(Strict):
    """How a file writes numbers, where it is not as 1234.5.

    A number in brackets is a negative one. What is not written so is not readable.

    Attributes:
        decimal: what comes before the decimals.
        thousands: what parts the thousands; a blank stands for any kind of blank.
        affixes: texts that may stand before or behind a number and are dropped, such as a currency or %.
    """

    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'"] | None = None
    affixes: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> Numbers:
        if self.decimal == self.thousands:
            raise ValueError(f"'{self.decimal}' parts both decimals and thousands; set decimal, too")
        return self


def _texts_of(value: object) -> tuple[str, ...]:
    """What a person who wrote a value in YAML may have meant as text: unquoted, `No` is a boolean there."""
    if isinstance(value, bool):
        return ("true", "yes", "on") if value else ("false", "no", "off")
    if isinstance(value, str | int):
        return (str(value),)
    raise ValueError(f"{value} is no text; write it in quotes")


def _null_values(value: object) -> object:
    return [text for each in value for text in _texts_of(each)] if isinstance(value, list) else value


def _value_map(value: object) -> object:
    if not isinstance(value, dict):
        return value
    texts: dict[str, object] = {}
    for key, meant in value.items():
        for text in _texts_of(key):
            if text.strip().casefold() in {known.strip().casefold() for known in texts}:
                raise ValueError(f"says twice what '{text}' becomes; letter case makes no difference")
            texts[text] = meant
    return texts


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


NullValues = Annotated[
    tuple[str, ...], BeforeValidator(_null_values, json_schema_input_type=list[str | int | bool])
]
DateFormats = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(_several, json_schema_input_type=str | Annotated[list[str], Field(min_length=1)]),
]

ISO, EXCEL, EPOCH_SECONDS, EPOCH_MILLISECONDS = "iso", "excel", "epoch_seconds", "epoch_milliseconds"
NAMED_FORMATS = (ISO, EXCEL, EPOCH_SECONDS, EPOCH_MILLISECONDS)
"""Ways of writing a moment that strptime has no format for."""


class ValueOptions(Strict):
    """How the cells of a column are read; what is not said here is as the source says.

    Attributes:
        values: what cells stand for, by the whole cell, letter case apart; null for no value.
        other: what becomes of a cell that is not among `values`: it is kept as it is, it is null, or it is rejected,
            which is null and told in raw.rejected_rows.
        format: how moments are written, in strptime's words, or iso, excel (days since 1900), epoch_seconds or
            epoch_milliseconds; several are tried in turn.
        time_zone: zone of moments that carry none, such as Asia/Shanghai.
        null_values: cells that stand for no value, by the whole cell, letter case apart.
        numbers: how numbers are written.
    """

    values: Annotated[dict[str, str | int | float | bool | None], BeforeValidator(_value_map)] = Field(
        default_factory=dict
    )
    other: Annotated[
        Literal["keep", "reject", "null"],
        BeforeValidator(
            lambda value: "null" if value is None else value,
            json_schema_input_type=Literal["keep", "reject", "null"] | None,
        ),
    ] = "keep"
    format: DateFormats | None = None
    time_zone: str | None = None
    null_values: NullValues | None = None
    numbers: Numbers | None = None

    @model_validator(mode="after")
    def _other_than_what(self) -> ValueOptions:
        if self.other != "keep" and not self.values:
            raise ValueError("says what other cells than those among `values` are, and there are none")
        return self


class FromColumn(ValueOptions):
    """A column of the file, with how its cells are read.

    Attributes:
        column: column of the file.
    """

    column: str


class Backdated(Strict):
    """A fact treated as known since ever, with the reason why that does no harm.

    Attributes:
        backdated: the reason.
    """

    backdated: str = Field(min_length=1)


class ReadOptions(Strict):
    """How a file is written, where it is not as most are.

    Attributes:
        delim: what parts the fields; of comma, semicolon, tab and bar the one that the header has most of.
        quote: what encloses a field that holds the delimiter; the double quote. Empty where nothing does.
        escape: what goes before a quote within a quoted field; the quote itself.
        encoding: of a CSV or JSON file; UTF-8.
        sheet: sheet of an Excel workbook; may be left out where it has one only.
        header_row: row of the sheet that holds the columns' names, from 1.
    """

    delim: str | None = Field(default=None, min_length=1, max_length=1)
    quote: str | None = Field(default=None, max_length=1)
    escape: str | None = Field(default=None, max_length=1)
    encoding: (
        Literal[
            "utf-8", "utf-16", "latin-1", "windows-1250", "windows-1251", "windows-1252", "gb18030", "big5", "shift_jis",
            "euc-kr",
        ]
        | None
    ) = None  # fmt: skip
    sheet: str | None = Field(default=None, min_length=1)
    header_row: int | None = Field(default=None, ge=1, le=1000, strict=True)

    @field_validator("delim", mode="before")
    @classmethod
    def _tab(cls, delim: object) -> object:
        return "\t" if delim == r"\t" else delim


def _kind_of_mapping(value: object) -> str:
    """Which alternative a mapping is meant as, so that an error speaks of that one only."""
    if isinstance(value, Expression | Constant | KeyOf | FromColumn):
        return type(value).__name__
    if not isinstance(value, dict):
        return "name"
    if "constant" in value or "key_of" in value:
        return "Constant" if "constant" in value else "KeyOf"
    is_column = "expression" not in value and value.keys() & FromColumn.model_fields.keys()
    return "FromColumn" if is_column else "Expression"


ColumnMapping = Annotated[
    Annotated[str, Tag("name")]
    | Annotated[FromColumn, Tag("FromColumn")]
    | Annotated[Expression, Tag("Expression")]
    | Annotated[Constant, Tag("Constant")]
    | Annotated[KeyOf, Tag("KeyOf")],
    Discriminator(_kind_of_mapping),
]


def _kind_of_known_at(value: object) -> str:
    if isinstance(value, Backdated) or (isinstance(value, dict) and "backdated" in value):
        return "backdated"
    return "column" if isinstance(value, dict | FromColumn) else "word"


def _known_at_word(value: object) -> object:
    if isinstance(value, str) and value not in ("occurred_at", "landed"):
        raise ValueError(
            f"'{value}' is neither occurred_at nor landed; for a column of the file write {{column: {value}}}"
        )
    return value


KnownAt = Annotated[
    Annotated[Literal["occurred_at", "landed"], BeforeValidator(_known_at_word), Tag("word")]
    | Annotated[FromColumn, Tag("column")]
    | Annotated[Backdated, Tag("backdated")],
    Discriminator(_kind_of_known_at),
]


class Attribute(FromColumn):
    """A company's own extra column.

    Attributes:
        type: how its values are read.
        description: what it means.
        known_at: when its values became known, where that is not when the row did.
    """

    type: Literal["text", "number", "boolean", "timestamp"] = "text"
    description: str = ""
    known_at: KnownAt | None = None


def _kind_of_deleted(value: object) -> str:
    if isinstance(value, Expression) or (isinstance(value, dict) and "expression" in value):
        return "expression"
    return "column" if isinstance(value, dict | FromColumn) else "word"


def _deleted_word(value: object) -> object:
    if value != "absent":
        raise ValueError(
            f"'{value}' is not `absent`; for a column of the file that says it write {{column: {value}}}"
        )
    return value


Deleted = Annotated[
    Annotated[Literal["absent"], BeforeValidator(_deleted_word), Tag("word")]
    | Annotated[FromColumn, Tag("column")]
    | Annotated[Expression, Tag("expression")],
    Discriminator(_kind_of_deleted),
]
"""How a source says that a row is deleted: by a column or expression that is true, or by leaving it out of a full export."""
