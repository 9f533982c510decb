"""Looking a text up in the warehouse: first by its keys, then by what is spelt nearly alike.

Belongs here: which lead records match, how surely and why. Does not belong here: reading the text (find_terms.py), what
is told of the leads found (find.py).

DuckDB does the scanning, column by column; Python compares some hundred distinct names at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadflow.cli.find_terms import Terms

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from leadflow.text.company_matching import CompanyAliases
    from leadflow.text.person_matching import PersonLevel

_MOST_RECORDS = 200
_MOST_NAMES = 150
_MOST_WORDS = 8

_PERSON = {
    "exact": (0.9, "its name"),
    "same": (0.88, "its name, written otherwise"),
    "nickname": (0.84, "its name, with a short form"),
    "typo": (0.8, "its name, but for a letter"),
    "initial": (0.76, "its name, by an initial"),
    "sound": (0.7, "its name, by its sound"),
    "family": (0.4, "its family name"),
    "given": (0.3, "its given name"),
}
"""How sure a name makes that the lead is meant, by level of text.person_matching: an order, not a probability."""

_NEAR_MAILBOX, _NEAR_PERSON, _NEAR_COMPANY, _NEAR_WECHAT = 0.94, 0.88, 0.9, 0.93
"""Jaro-Winkler similarity from which a key is looked at where no key is the same."""
_NEAR_DIGITS = 8
"""The end of a phone number that may differ by a digit."""


@dataclass(frozen=True)
class Hit:
    """A lead record that matches.

    Attributes:
        record_key: the record.
        certainty: 0 to 1; orders what is shown.
        why: what matches, as words after 'by'.
        is_company: whether its company matches, and not the person.
    """

    record_key: str
    certainty: float
    why: str
    is_company: bool = False


def exact_hits(connection: DuckDBPyConnection, terms: Terms, aliases: CompanyAliases | None) -> list[Hit]:
    """Records that have one of the text's keys, the surest first."""
    finders = (
        _by_id(connection, terms),
        _by_mailbox(connection, terms),
        _by_phone(connection, terms),
        _by_wechat(connection, terms),
        _by_person(connection, terms),
        _by_company(connection, terms, aliases),
    )
    return _surest(hit for found in finders for hit in found)


def near_hits(connection: DuckDBPyConnection, terms: Terms, aliases: CompanyAliases | None) -> list[Hit]:
    """Records whose keys are spelt nearly as the text's, the surest first."""
    finders = (
        _near_mailbox(connection, terms),
        _near_phone(connection, terms),
        _near_wechat(connection, terms),
        _near_person(connection, terms),
        _near_company(connection, terms, aliases),
    )
    return _surest(hit for found in finders for hit in found)


def _surest(hits: Iterable[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.certainty, hit.record_key, hit.why))


def rows(connection: DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(sql, list(parameters)).fetchall()


def _records(connection: DuckDBPyConnection, condition: str, *parameters: Any) -> list[str]:
    """Keys of the newest records of the match index that meet a condition."""
    found = rows(
        connection,
        f"select record_key from identity.match_index where {condition} "
        f"order by known_at desc, record_key limit {_MOST_RECORDS}",
        parameters,
    )
    return [key for (key,) in found]


def _by_id(connection: DuckDBPyConnection, terms: Terms) -> Iterator[Hit]:
    if terms.id is None:
        return
    keys = [terms.id, f"mql:{terms.id}", f"sql_leads:{terms.id}"]
    for (key,) in rows(connection, "select record_key from identity.identity_map where record_key in (select unnest(?)) and known_to is null", [keys]):  # fmt: skip
        yield Hit(key, 1.0, "its record")
    ids = rows(
        connection,
        f"select record_key, lead_id = ? from identity.identity_map "
        f"where known_to is null and (lead_id = ? or account_id = ?) order by record_key limit {_MOST_RECORDS}",
        [terms.id] * 3,
    )
    for key, is_lead in ids:
        yield Hit(key, 1.0, "its lead id" if is_lead else "its account id", is_company=not is_lead)
    # A lead that was one before its records were tied has no redirect: no refresh ever gave it out, the history names it.
    redirected = rows(
        connection,
        "select m.record_key from identity.lead_redirects as r join identity.identity_map as m using (lead_id) "
        "where r.former_lead_id = ? and m.known_to is null union "
        "select m.record_key from identity.identity_map as f join identity.identity_map as m using (record_key) "
        "where f.lead_id = ? and f.known_to is not null and m.known_to is null and m.lead_id <> f.lead_id order by 1",
        [terms.id] * 2,
    )
    for (key,) in [] if any(is_lead for _, is_lead in ids) else redirected:
        yield Hit(key, 1.0, f"its former lead id {terms.id}")


def _by_mailbox(connection: DuckDBPyConnection, terms: Terms) -> Iterator[Hit]:
    if terms.mailbox is not None:
        for key in _records(connection, "mailbox = ?", terms.mailbox):
            yield Hit(key, 0.99, "its e-mail address")


def _by_phone(connection: DuckDBPyConnection, terms: Terms) -> Iterator[Hit]:
    if terms.digits is None:
        return
    exact = (
        set(_records(connection, "list_has_any(phones, ?)", list(terms.phones))) if terms.phones else set()
    )
    for key in sorted(exact):
        yield Hit(key, 0.97, "its phone number")
    for key in _records(connection, "len(phones) > 0 and contains(array_to_string(phones, ';') || ';', ? || ';')", terms.digits):  # fmt: skip
        if key not in exact:
            yield Hit(key, 0.9, "the end of its phone number")


def _by_wechat(connection: DuckDBPyConnection, terms: Terms) -> Iterator[Hit]:
    if terms.wechat_id is not None:
        for key in _records(connection, "wechat_id = ?", terms.wechat_id):
            yield Hit(key, 0.98, "its WeChat id")


def _by_person(connection: DuckDBPyConnection, terms: Terms) -> Iterator[Hit]:
    if terms.person_key is None:
        return
    words = [*dict.fromkeys(terms.person_key.split())][:_MOST_WORDS]
    # The bare word is looked for first: it is found fast, and leaves little to be looked at for word ends.
    has_word = ["(contains(person_key, ?) and contains(' ' || person_key || ' ', ?))" for _ in words]
    sought = [each for word in words for each in (word, f" {word} ")]
    names = rows(
        connection,
        f"select person_key, min(full_name) from identity.match_index where {' or '.join(has_word)} group by person_key "
        f"order by {' + '.join(f'{condition}::int' for condition in has_word)} desc, "
        f"jaro_winkler_similarity(person_key, ?) desc, person_key limit {_MOST_NAMES}",
        [*sought, *sought, terms.person_key],
    )
    yield from _compared_names(connection, terms, names, is_one_word=len(words) == 1)


def _compared_names(
    connection: DuckDBPyConnection, terms: Terms, names: Sequence[tuple[Any, ...]], *, is_one_word: bool
) -> Iterator[Hit]:
    from leadflow.text.person_matching import compare_persons

    levels: dict[str, PersonLevel] = {}
    for key, name in names:
        level: PersonLevel = "same" if key == terms.person_key else compare_persons(terms.text, name).level
        if level != "different" and (is_one_word or level not in ("family", "given")):
            levels[key] = level
    found = rows(
        connection,
        "select record_key, person_key, full_name from identity.match_index where person_key in (select unnest(?)) "
        f"order by person_key = ? desc, known_at desc, record_key limit {_MOST_RECORDS}",
        [list(levels), terms.person_key],
    )
    for record_key, key, name in found:
        level = levels[key] if name.casefold() != terms.text.casefold() else "exact"
        yield Hit(record_key, *_PERSON[level])


def _by_company(
    connection: DuckDBPyConnection, terms: Terms, aliases: CompanyAliases | None
) -> Iterator[Hit]:
    if terms.domain is not None and not terms.is_free_mail:
        for key in _records(
            connection, "own_domain = ? or ends_with(own_domain, ?)", terms.domain, f".{terms.domain}"
        ):
            yield Hit(key, 0.7, "its company's mail domain", is_company=True)
    for core in terms.company_keys:
        joined = core.replace(" ", "")
        names = rows(
            connection,
            "select distinct company_name from identity.match_index where company_core_key in (select unnest(?)) "
            "or company_key = ? or starts_with(company_core_key, ?) "
            f"order by jaro_winkler_similarity(company_name, ?) desc, 1 limit {_MOST_NAMES}",
            [_beginnings(core), core, core, terms.text],
        )
        yield from _compared_companies(connection, terms, [name for (name,) in names if name], aliases)
        for key in _records(connection, "starts_with(own_domain, ?)", f"{joined}."):
            yield Hit(key, 0.65, "the name in its company's mail domain", is_company=True)


def _beginnings(core: str) -> list[str]:
    """The name and what it begins with: whole words, or two Chinese characters and more."""
    words = core.split()
    shorter = [" ".join(words[:count]) for count in range(1, len(words))]
    return [core, *(shorter or ([core[:end] for end in range(2, len(core))] if not core.isascii() else []))]


def _compared_companies(
    connection: DuckDBPyConnection, terms: Terms, names: list[str], aliases: CompanyAliases | None
) -> Iterator[Hit]:
    from leadflow.text.company_matching import SAME_COMPANY, compare_companies

    scores = {name: compare_companies(terms.text, name, aliases).score for name in names}
    kept = {name: score for name, score in scores.items() if score >= SAME_COMPANY}
    found = rows(
        connection,
        "select record_key, company_name from identity.match_index where company_name in (select unnest(?)) "
        f"order by company_name = ? desc, known_at desc, record_key limit {_MOST_RECORDS}",
        [list(kept), terms.text],
    )
    for key, name in found:
        yield Hit(key, round(0.7 * kept[name], 4), f"its company's name '{name}'", is_company=True)


def _near_mailbox(connection: DuckDBPyConnection, terms: Terms) -> Iterator[Hit]:
    if terms.mailbox is not None:
        for key, near in _nearest(connection, "mailbox", terms.mailbox, _NEAR_MAILBOX):
            yield Hit(key, round(0.8 * near, 4), "an e-mail address spelt nearly alike")


def _near_wechat(connection: DuckDBPyConnection, terms: Terms) -> Iterator[Hit]:
    if terms.wechat_id is not None:
        for key, near in _nearest(connection, "wechat_id", terms.wechat_id, _NEAR_WECHAT):
            yield Hit(key, round(0.6 * near, 4), "a WeChat id spelt nearly alike")


def _nearest(connection: DuckDBPyConnection, column: str, value: str, least: float) -> list[tuple[Any, ...]]:
    return rows(
        connection,
        f"select record_key, jaro_winkler_similarity({column}, ?, ?) as near from identity.match_index "
        f"where {column} is not null and near >= ? order by near desc, record_key limit 20",
        [value, least, least],
    )


def _near_phone(connection: DuckDBPyConnection, terms: Terms) -> Iterator[Hit]:
    if terms.digits is None:
        return
    for number in terms.phones or (terms.digits,):
        tail = number[-_NEAR_DIGITS:]
        if len(tail) < _NEAR_DIGITS:
            continue
        found = rows(
            connection,
            "select record_key from (select record_key, unnest(phones) as phone from identity.match_index "
            "where phones is not null) where levenshtein(right(phone, ?), ?) <= 1 order by record_key limit 20",
            [_NEAR_DIGITS, tail],
        )
        for (key,) in found:
            yield Hit(key, 0.7, "a phone number but for a digit")


def _near_person(connection: DuckDBPyConnection, terms: Terms) -> Iterator[Hit]:
    if terms.person_key is None:
        return
    names = rows(
        connection,
        "select person_key, min(full_name), jaro_winkler_similarity(person_key, ?, ?) as near "
        "from identity.match_index where person_key is not null and near >= ? group by all "
        "order by near desc, person_key limit 50",
        [terms.person_key, _NEAR_PERSON, _NEAR_PERSON],
    )
    yield from _compared_names(connection, terms, [name[:2] for name in names], is_one_word=False)


def _near_company(
    connection: DuckDBPyConnection, terms: Terms, aliases: CompanyAliases | None
) -> Iterator[Hit]:
    for core in terms.company_keys:
        names = rows(
            connection,
            "select distinct company_name, jaro_winkler_similarity(company_core_key, ?, ?) as near "
            "from identity.match_index where company_core_key is not null and near >= ? "
            "order by near desc, 1 limit 50",
            [core, _NEAR_COMPANY, _NEAR_COMPANY],
        )
        yield from _compared_companies(connection, terms, [name for name, _ in names if name], aliases)
