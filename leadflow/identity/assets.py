"""identity: the Dagster shell of who is who."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from leadflow.processes import beside
from leadflow.quality.contracts import Contracts
from leadflow.quality.sql_text import identifier
from leadflow.stages import STATE_TABLES
from leadflow.warehouse.connection import query, quote
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion, table_exists

if TYPE_CHECKING:
    import polars as pl

    from leadflow.identity.resolution import Former, Resolution

MAP = "identity.identity_map"
INDEX = "identity.match_index"
PAIRS = "identity.match_pairs"
HEADS = "identity.match_heads"
LEAD_IDS = "identity.lead_ids"
LOG = "identity.identity_log"
PINS = "identity.pins"
REDIRECTS = "identity.lead_redirects"
EMAILS = "identity.lead_emails"
ACCOUNTS = "identity.accounts"
ACCOUNT_IDS = "identity.account_ids"
COMPANY_PAIRS = "identity.company_pairs"
LEADS = "identity.leads"
PROVENANCE = "identity.lead_provenance"
DIGESTS = "identity.lead_digests"
DUPLICATES = "identity.duplicate_actions"
_MANY_RECORDS = 300_000
"""From so many on, companies are worth a process of their own, which takes some seconds to begin."""
_OWNERS = ["staging.stg_sql_leads", "staging.stg_opportunities", "staging.stg_sales_reps"]
_RESOLVED = [
    MAP, INDEX, PAIRS, HEADS, LEAD_IDS, LOG, PINS, REDIRECTS, EMAILS, ACCOUNTS, ACCOUNT_IDS, COMPANY_PAIRS,
]  # fmt: skip


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """identity_map with what it rests on in one step, leads with their provenance, and duplicate_actions."""
    records = ["clean.clean_leads"]

    @table_asset(contracts, outputs=_RESOLVED, inputs=records)
    def identity_map(run: StageRun) -> Mapping[str, TableVersion]:
        before = former(run)
        resolution = resolved(run, before)
        run.tell(MAP, **resolution.told)
        return run.write(
            {
                INDEX: resolution.index,
                PAIRS: resolution.pairs,
                HEADS: resolution.heads,
                MAP: resolution.identity_map,
                LEAD_IDS: resolution.lead_ids,
                LOG: resolution.log,
                PINS: state(run, PINS).clear(),
                REDIRECTS: resolution.redirects,
                EMAILS: resolution.emails,
                ACCOUNTS: resolution.accounts.accounts,
                ACCOUNT_IDS: resolution.accounts.ids,
                COMPANY_PAIRS: resolution.accounts.pairs,
            },
            inputs=records,
            merged=[LEAD_IDS, LOG, PINS],
            held={} if run.is_full else held(run, before),
        )

    members = [*records, MAP]

    @table_asset(contracts, outputs=[LEADS, PROVENANCE, DIGESTS], inputs=members)
    def leads(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.identity.golden_changes import write_leads

        return write_leads(run)

    facts = [*members, *_OWNERS]

    @table_asset(contracts, outputs=[DUPLICATES], inputs=facts)
    def duplicate_actions(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.identity import duplicate_actions as duplicates
        from leadflow.identity.ownership import ownership_facts

        crm_leads, opportunities, reps = map(run.read, _OWNERS)
        ownership = ownership_facts(crm_leads, opportunities, reps, run.refresh().as_of)
        actions = duplicates.duplicate_actions(
            run.read("clean.clean_leads", duplicates.RECORDS_READ),
            run.read(MAP, duplicates.MEMBERSHIPS_READ),
            ownership,
            run.policy.duplicates,
        )
        run.tell(DUPLICATES, actions=dict(sorted(actions["action"].value_counts().iter_rows())))
        before = None if run.is_full else run.read_promised(DUPLICATES)
        return run.write(
            {DUPLICATES: actions}, inputs=facts, held={} if before is None else {DUPLICATES: before}
        )

    return [identity_map, leads, duplicate_actions]


def resolved(run: StageRun, before: Former) -> Resolution:
    """Who is who at the run's moment, from what the last refresh left."""
    from leadflow.identity.linkage_choice import lead_model
    from leadflow.identity.linkage_heads import changed_heads, heads_of
    from leadflow.identity.linkage_leads import model_pairs
    from leadflow.identity.match_index import matcher_fingerprint
    from leadflow.identity.resolution import Model, resolve

    matching = run.policy.matching
    parameters = lead_model(matching.model, run.settings.home / "models" / "matching")
    version = "off" if parameters is None else parameters.version
    clean = run.read("clean.clean_leads")
    # Where names were compared before there is little to do, less than beginning a process and sending it all records.
    is_much = clean.height >= _MANY_RECORDS and before.company_pairs.is_empty()
    workers = run.workers if is_much else 1
    with run.warehouse.scratch() as lent, beside(workers) as companies_beside:
        model = None
        if parameters is not None:
            model = Model(
                version,
                heads_of,
                changed_heads,
                lambda new, every: model_pairs(
                    lent, new, every, parameters, matching.match_from, matching.review_from
                ),
            )
        return resolve(
            clean,
            before,
            state(run, PINS),
            run.policy,
            matcher_fingerprint(matching.fingerprint, version),
            model,
            at=run.refresh().as_of,
            beside=companies_beside,
        )


def former(run: StageRun) -> Former:
    """What the last refresh left; of a full rebuild the state alone."""
    from leadflow.identity.resolution import Former

    def derived(table: str) -> pl.DataFrame:
        return state(run, table).clear() if run.is_full else state(run, table)

    return Former(
        index=derived(INDEX),
        pairs=derived(PAIRS),
        heads=derived(HEADS),
        identity_map=state(run, MAP),
        lead_ids=state(run, LEAD_IDS),
        log=state(run, LOG),
        account_ids=state(run, ACCOUNT_IDS),
        company_pairs=derived(COMPANY_PAIRS),
    )


def held(run: StageRun, before: Former) -> dict[str, pl.DataFrame]:
    """What the derived tables hold that a refresh changes in part."""
    return {
        INDEX: before.index,
        PAIRS: before.pairs,
        HEADS: before.heads,
        MAP: before.identity_map,
        COMPANY_PAIRS: before.company_pairs,
        ACCOUNT_IDS: before.account_ids,
        **{table: rows for table in (EMAILS, ACCOUNTS) if (rows := run.read_promised(table)) is not None},
    }


def state(run: StageRun, table: str) -> pl.DataFrame:
    """A table's rows in the columns of its frame; no rows where it was not made yet, or a former release made it with others."""
    import polars as pl

    from leadflow.identity.frames import FRAMES

    columns = FRAMES[table]
    with run.connect(read_only=True) as connection:
        is_there = table_exists(connection, table)
        # What is state is read all the same: it cannot be made anew, so that it is better to fail than to forget it.
        is_usable = is_there and (table in STATE_TABLES or run.holds_promised(connection, table))
        if not is_usable:
            return pl.DataFrame(schema=columns)
        rows = query(connection, f"select {', '.join(map(identifier, columns))} from {quote(table)}")
    return rows.select(pl.col(name).cast(dtype) for name, dtype in columns.items())
