"""Lead records that a contact check rejected, looked up by what they said.

Belongs here: searching clean.rejected_leads. Does not belong here: leads (find_queries.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadflow.cli.find_terms import Terms

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST = 5


def rejected_records(connection: DuckDBPyConnection, terms: Terms) -> list[dict[str, Any]]:
    """Rejected records that match, the newest first, with rule and reason.

    They have no keys to be found by, only the row as it was given: an address or id must be equal but for case, a number
    must end alike, and of a name every word must be there.
    """
    conditions: list[tuple[str, list[Any]]] = []
    if terms.id:
        keys = [terms.id, f"mql:{terms.id}", f"sql_leads:{terms.id}"]
        conditions.append(("record_key in (select unnest(?))", [keys]))
    # What is no address was rejected for that: it is looked for as it was written, too.
    as_written = terms.text.lower() if "@" in terms.text else None
    addresses = dict.fromkeys(each for each in (terms.email, as_written) if each)
    conditions += [_holding([each], f"lower(trim({_field('email')})) = ?", each) for each in addresses]
    if terms.digits:
        only_digits = f"regexp_replace({_field('phone')}, '[^0-9]', '', 'g')"
        conditions.append((f"ends_with({only_digits}, ?)", [terms.digits]))
    if terms.wechat_id:
        conditions.append(_holding([terms.wechat_id], f"lower({_field('wechat_id')}) = ?", terms.wechat_id))
    if terms.person_key or terms.company_keys:
        words = terms.text.lower().split()
        conditions += [_holding(words, _has_words(name), words) for name in ("full_name", "company_name")]
    if terms.domain and not terms.email:
        at = f"@{terms.domain}"
        conditions.append(_holding([at], f"ends_with(lower({_field('email')}), ?)", at))
    if not conditions or not _is_there(connection):
        return []
    result = connection.execute(
        f"""
        with given as (select record_key, rule, reason, known_at, row from clean.rejected_leads)

        select record_key, rule, reason, known_at, {_field("full_name")} as full_name, {_field("email")} as email,
            {_field("phone")} as phone, {_field("company_name")} as company_name, {_field("title")} as title
        from given
        where {" or ".join(condition for condition, _ in conditions)}
        order by known_at desc, record_key
        limit {_MOST}
        """,
        [value for _, values in conditions for value in values],
    )
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _field(name: str) -> str:
    return f"json_extract_string(row, '$.{name}')"


def _holding(texts: list[str], condition: str, value: Any) -> tuple[str, list[Any]]:
    """A condition on a field, asked only of rows that hold the texts somewhere: reading JSON costs most."""
    first = "".join("contains(lower(row), ?) and " for _ in texts)
    return f"({first}{condition})", [*texts, value]


def _has_words(name: str) -> str:
    """Whether every word stands in a field, as a word of its own."""
    return f"list_has_all(string_split_regex(lower({_field(name)}), '[^\\w\\pL]+'), ?)"


def _is_there(connection: DuckDBPyConnection) -> bool:
    sql = "select 1 from duckdb_tables() where schema_name = 'clean' and table_name = 'rejected_leads'"
    return bool(connection.execute(sql).fetchall())
