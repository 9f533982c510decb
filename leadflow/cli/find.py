"""Is this person or company known, and whose is it: looked up in the private warehouse.

Belongs here: putting together what is known of the leads and accounts that match. Does not belong here: what matches
(find_queries.py), reading the text (find_terms.py), telling it (find_told.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from leadflow.cli.find_queries import Hit, exact_hits, near_hits, rows
from leadflow.cli.find_rejected import rejected_records
from leadflow.cli.find_terms import Terms, read_terms
from leadflow.errors import LeadflowError
from leadflow.warehouse.connection import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

    from leadflow.settings import Settings
    from leadflow.text.company_matching import CompanyAliases

_MOST_LEADS = 10
_MOST_ACCOUNTS = 5
_NEEDED = ("identity.match_index", "identity.identity_map", "identity.leads", "identity.accounts")
_PARTS = ",;|"

Found = dict[str, Any]


def look_up(settings: Settings, text: str, *, tell: Callable[[str], None]) -> Found:
    """What is known of a person or company.

    Args:
        settings: where the warehouse is, and how long to wait for it.
        text: e-mail or web address, phone number, WeChat id, name of a person or company, lead id or record key; several
            of them with commas between, where together they match nothing.
        tell: is told where the warehouse has to be waited for.

    Returns query, leads, accounts and rejected (lists, the surest first) and more_leads and more_accounts, how many there
    are beside. Of a lead: lead_id, certainty (0 to 1), why, record_keys that match, what the golden record says, account,
    owner, tier and score. Owners are those the CRM names now.

    Raises:
        LeadflowError: there is no warehouse, or no leads in it yet.
        WarehouseLockedError: a refresh held the warehouse for longer than connect_wait_seconds.
    """
    with Warehouse.from_settings(settings).reading(tell) as connection:
        _refuse_without_tables(connection, settings)
        aliases = _aliases(settings)
        terms = read_terms(text, aliases)
        hits = [] if terms.is_empty else _hits(connection, terms, aliases)
        rejected = [] if terms.is_empty else rejected_records(connection, terms)
        parts = [read_terms(part, aliases) for part in _parts(text)]
        if not hits and not rejected and len(parts) > 1:
            hits = _added([hit for part in parts for hit in exact_hits(connection, part, aliases)])
        leads, accounts = _grouped(connection, hits)
        shown = (leads[:_MOST_LEADS], accounts[:_MOST_ACCOUNTS])
        _describe(connection, *shown)
    return {
        "query": text,
        "leads": shown[0],
        "accounts": shown[1],
        "rejected": rejected,
        "more_leads": len(leads) - len(shown[0]),
        "more_accounts": len(accounts) - len(shown[1]),
    }


def _refuse_without_tables(connection: DuckDBPyConnection, settings: Settings) -> None:
    known = {
        f"{schema}.{name}"
        for schema, name in rows(connection, "select schema_name, table_name from duckdb_tables()")
    }
    missing = [table for table in _NEEDED if table not in known]
    if missing:
        raise LeadflowError(
            f"{settings.warehouse_path} has no table {', '.join(missing)} yet", "run `leadflow run` first"
        )


def _aliases(settings: Settings) -> CompanyAliases | None:
    if not settings.policy_path.exists() and settings.policy is None:
        return None
    from leadflow.policy import load_policy

    return load_policy(settings.policy_path).companies.lookup()


def _parts(text: str) -> list[str]:
    for separator in _PARTS[1:]:
        text = text.replace(separator, _PARTS[0])
    return [part.strip() for part in text.split(_PARTS[0]) if part.strip()]


def _hits(connection: DuckDBPyConnection, terms: Terms, aliases: CompanyAliases | None) -> list[Hit]:
    """The exact ones; where these name no person, the near ones too, unless a company was what was asked for."""
    exact = exact_hits(connection, terms, aliases)
    is_enough = any(not hit.is_company for hit in exact) or (exact and terms.mailbox is None)
    return exact if is_enough else [*exact, *near_hits(connection, terms, aliases)]


def _added(hits: Sequence[Hit]) -> list[Hit]:
    """Hits of several parts: a record that several of them match goes first."""
    certainty: dict[str, float] = {}
    for key, part in {(hit.record_key, hit.why): hit.certainty for hit in hits}.items():
        certainty[key[0]] = certainty.get(key[0], 0.0) + part
    most = max(certainty.values(), default=1.0)
    return sorted(
        (replace(hit, certainty=round(certainty[hit.record_key] / max(most, 1.0), 4)) for hit in hits),
        key=lambda hit: (-hit.certainty, hit.record_key, hit.why),
    )


def _grouped(connection: DuckDBPyConnection, hits: Sequence[Hit]) -> tuple[list[Found], list[Found]]:
    """The leads that persons' hits lead to, and the accounts of companies' hits, the surest first."""
    members = rows(
        connection,
        "select record_key, lead_id, account_id from identity.identity_map "
        "where known_to is null and record_key in (select unnest(?))",
        [sorted({hit.record_key for hit in hits})],
    )
    lead_of = {key: lead for key, lead, _ in members}
    account_of = {key: account for key, _, account in members}
    leads: dict[str, Found] = {}
    accounts: dict[str, Found] = {}
    for hit in hits:
        is_company = hit.is_company and account_of.get(hit.record_key) is not None
        group, name, ids = (accounts, "account_id", account_of) if is_company else (leads, "lead_id", lead_of)
        if (known := ids.get(hit.record_key)) is None:
            continue
        entry = group.setdefault(
            known, {name: known, "certainty": hit.certainty, "why": [], "record_keys": []}
        )
        for field, value in (("why", hit.why), ("record_keys", hit.record_key)):
            if value not in entry[field]:
                entry[field].append(value)
    return list(leads.values()), list(accounts.values())


def _describe(connection: DuckDBPyConnection, leads: list[Found], accounts: list[Found]) -> None:
    """Add what is known of the leads and accounts, in place."""
    lead_ids = [lead["lead_id"] for lead in leads]
    known = _by_key(
        connection,
        "select lead_id, full_name, email, phone, wechat_id, company_name, title, country, account_id, record_count, "
        "created_at from identity.leads where lead_id in (select unnest(?))",
        lead_ids,
    )
    scores = _by_key(connection, "select lead_id, tier, score from scoring.scored_leads where lead_id in (select unnest(?))", lead_ids) if _is_scored(connection) else {}  # fmt: skip
    of_leads = {row["account_id"] for row in known.values() if row["account_id"]}
    account_ids = sorted({account["account_id"] for account in accounts} | of_leads)
    companies = _by_key(
        connection,
        "select account_id, company_name as account_name, domain from identity.accounts where account_id in (select unnest(?))",
        account_ids,
    )
    owners, lead_counts = _owners(connection, lead_ids, account_ids)
    nothing = {"tier": None, "score": None}
    for lead in leads:
        lead |= known.get(lead["lead_id"], {})
        company = companies.get(str(lead.get("account_id")), {})
        lead |= {"account_name": company.get("account_name"), "owner": owners.get(lead["lead_id"])}
        lead["account_owner"] = owners.get(str(lead.get("account_id")))
        lead |= nothing | scores.get(lead["lead_id"], {})
    for account in accounts:
        key = account["account_id"]
        account |= {"account_name": None, "domain": None} | companies.get(key, {})
        account |= {"owner": owners.get(key), "lead_count": lead_counts.get(key, 0)}


def _by_key(connection: DuckDBPyConnection, sql: str, keys: Sequence[str]) -> dict[str, Found]:
    """Rows by their first column, each as a mapping."""
    if not keys:
        return {}
    result = connection.execute(sql, [list(keys)])
    names = [column[0] for column in result.description or ()]
    return {row[0]: dict(zip(names, row, strict=True)) for row in result.fetchall()}


def _is_scored(connection: DuckDBPyConnection) -> bool:
    sql = "select 1 from duckdb_tables() where schema_name = 'scoring' and table_name = 'scored_leads'"
    return bool(rows(connection, sql))


def _owners(
    connection: DuckDBPyConnection, lead_ids: Sequence[str], account_ids: Sequence[str]
) -> tuple[dict[str, str], dict[str, int]]:
    """Whom the newest CRM row of each lead and account names, among reps who are active; and the leads of each account."""
    if not lead_ids and not account_ids:
        return {}, {}
    found = rows(connection, _OWNERS, [list(lead_ids), list(account_ids)])
    return (
        {key: owner for key, owner, _ in found if owner is not None},
        {key: lead_count for key, _, lead_count in found},
    )


_OWNERS = """
with members as materialized (
    select record_key, lead_id, account_id
    from identity.identity_map
    where known_to is null and (lead_id in (select unnest(?)) or account_id in (select unnest(?)))
),

ids as (
    select lead_id as id, record_key, lead_id from members
    union all
    select account_id, record_key, lead_id from members where account_id is not null
),

crm_leads as (select record_key, substr(record_key, len('sql_leads:') + 1) as id from members where starts_with(record_key, 'sql_leads:')),

forms as (select record_key, substr(record_key, len('mql:') + 1) as id from members where starts_with(record_key, 'mql:')),

facts as (
    select record_key, trim(owner) as owner, known_at, occurred_at
    from raw.sql_leads join crm_leads on sql_lead_id = crm_leads.id

    union all

    select record_key, trim(owner), known_at, occurred_at
    from raw.opportunities join crm_leads on sql_lead_id = crm_leads.id

    union all

    select record_key, trim(owner), known_at, occurred_at
    from raw.opportunities join forms on sql_lead_id is null and mql_id = forms.id
),

in_force as (
    select *
    from facts
    where owner is not null
        and known_at <= (select max(as_of) from raw.refreshes)
        and owner not in (select trim(rep_id) from raw.sales_reps where not is_active)
)

select ids.id, arg_max(owner, (known_at, occurred_at, owner)) filter (where owner is not null), count(distinct ids.lead_id)
from ids left join in_force using (record_key)
group by ids.id
"""
