"""Asking providers about accounts in one refresh, and keeping what they answer.

Belongs here: the order of it, over one run of the home. Does not belong here: whom to ask (lookups.py), how one provider is
asked (http_provider.py, file_provider.py), and what is made of the answers (facts.py).

Calls happen while the warehouse is closed, and answers are written as they come, some dozens at a time: what was answered,
and maybe paid for, is kept whatever comes after.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from leadflow.enrichment_policy import CompanyFile, HttpProvider
from leadflow.errors import LeadflowError, first_line
from leadflow.warehouse.connection import scalar
from leadflow.warehouse.tables import TableVersion, table_exists, utc_now

if TYPE_CHECKING:
    import polars as pl

    from leadflow.enrich.lookups import Tally
    from leadflow.enrich.providers import Answer, Provider
    from leadflow.warehouse.stage_run import StageRun

ANSWERS = "enrich.provider_answers"
ACCOUNTS = "identity.accounts"
REFERENCE_TABLE = "staging.stg_company_reference"
VERSIONS = "staging.stg_company_reference_versions"
ASKING_READS = (ACCOUNTS, REFERENCE_TABLE, VERSIONS)
ACCOUNT_READ = ("account_id", "domain", "company_name", "company_key", "lead_record_count")

_BATCH = 50
"""Answers that are written together."""
_REPLAY_AFTER = timedelta(days=1)
"""A given as_of that lies further back than this looks at the past, which does not know what is answered today."""

_log = logging.getLogger(__name__)


def kept_answers(run: StageRun) -> pl.DataFrame:
    """`PROVIDER_ANSWER_COLUMNS` of all refreshes; state, so that it is read whatever columns it has."""
    import polars as pl

    from leadflow.enrich.providers import PROVIDER_ANSWER_COLUMNS as COLUMNS

    with run.connect(read_only=True) as connection:
        if not table_exists(connection, ANSWERS):
            return pl.DataFrame(schema=COLUMNS)
    return run.read(ANSWERS, list(COLUMNS)).select(
        pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()
    )


def ask_providers(run: StageRun) -> Mapping[str, TableVersion]:
    """Ask all providers of the policy about the accounts of which they may tell something new."""
    from leadflow.enrich.lookups import Tally, calls_left, warned

    enrichment = run.policy.enrichment
    as_of = run.refresh().as_of
    tallies: dict[str, Tally] = {}
    reason = _why_not(run)
    for provider in enrichment.chain:
        if isinstance(provider, CompanyFile) and reason != _OLDER:
            tallies[provider.name] = _read_file(run, provider)
        elif isinstance(provider, HttpProvider) and reason is None:
            called = sum(tally.calls for tally in tallies.values())
            tallies[provider.name] = _ask(run, provider, called)
        elif isinstance(provider, CompanyFile | HttpProvider):
            tallies[provider.name] = Tally(problems={f"not asked: {reason}": None})
    if tallies:
        called = sum(tally.calls for tally in tallies.values())
        run.tell(
            ANSWERS,
            providers={name: tally.told() for name, tally in tallies.items()},
            calls_left=calls_left(enrichment, kept_answers(run), as_of, called),
        )
        if warnings := list(warned(tallies)):
            run.tell(ANSWERS, warnings=warnings)
            for warning in warnings:
                _log.warning("%s", warning)
    return _keep(run, kept_answers(run).clear())


_OLDER = "the refresh looks from before a former one, when what is answered today was not known"


def _why_not(run: StageRun) -> str | None:
    """Why nobody is asked in this refresh, or None."""
    refresh = run.refresh()
    with run.connect(read_only=True) as connection:
        newest = scalar(connection, "select max(as_of) from raw.refreshes")
    if newest is not None and refresh.as_of < newest:
        return _OLDER
    if refresh.as_of_from == "given" and refresh.as_of < utc_now() - _REPLAY_AFTER:
        return "the refresh was told to look from the past, when what is answered today was not known"
    return None


def _read_file(run: StageRun, provider: CompanyFile) -> Tally:
    from polars.exceptions import PolarsError

    from leadflow.enrich.file_provider import file_answers, read_companies
    from leadflow.enrich.lookups import Tally

    tally = Tally()
    try:
        companies = read_companies(run.settings.policy_path.parent / provider.path, provider)
    except (OSError, PolarsError) as error:
        tally.problems[f"failed: {provider.path} cannot be read ({first_line(error)})"] = None
        return tally
    accounts = run.read(ACCOUNTS, ACCOUNT_READ)
    new = file_answers(accounts, companies, provider.name, _known(run), run.refresh().as_of)
    tally.statuses["found"] = len(new)
    if len(new):
        _keep(run, new)
    return tally


def _ask(run: StageRun, provider: HttpProvider, called: int) -> Tally:
    """Ask a service about the accounts that are worth it, as far as the budget goes."""
    from leadflow.enrich.lookups import Tally, calls_left, plan, unanswered
    from leadflow.enrich.told import REFERENCE_READ, together, told_by_answers, told_by_reference

    enrichment, as_of = run.policy.enrichment, run.refresh().as_of
    accounts, answers = run.read(ACCOUNTS, ACCOUNT_READ), _known(run)
    told = together(
        [
            told_by_reference(
                accounts,
                run.read(REFERENCE_TABLE, REFERENCE_READ),
                run.read(VERSIONS, [*REFERENCE_READ, "is_in_force"]),
                enrichment,
                as_of,
            ),
            told_by_answers(accounts, answers, enrichment, as_of),
        ]
    )
    left = calls_left(enrichment, kept_answers(run), as_of, called)
    planned = plan(unanswered(accounts, told, provider, enrichment), answers, provider, as_of, left)
    tally = Tally(cache_hits=planned.cache_hits, waiting=planned.waiting)
    if not planned.questions:
        return tally
    where = f"{run.settings.policy_path.name} provider '{provider.name}'"
    try:
        from leadflow.enrich.http_provider import http_lookup

        asked = http_lookup(provider, where, left)
    except ImportError:
        tally.problems["failed: needs the packages of the extra leadflow[http]; install them"] = None
        return tally
    except LeadflowError as error:
        tally.problems[f"failed: {error.problem}"] = None
        return tally
    try:
        answered = _kept_as_they_come(run, provider, asked, asked.look_up(planned.questions), tally)
    finally:
        asked.api.close()
    tally.waiting -= min(answered, tally.waiting)
    if asked.given_up is not None:
        tally.problems[f"given up: {asked.given_up}"] = None
    return tally


def _kept_as_they_come(
    run: StageRun, provider: HttpProvider, asked: Provider, answers: Iterable[Answer], tally: Tally
) -> int:
    """Write answers in batches; the last ones also where asking is broken off. How many were no failures."""
    import polars as pl

    from leadflow.enrich.lookups import expiry
    from leadflow.enrich.providers import PROVIDER_ANSWER_COLUMNS, answer_row

    as_of, enrichment = run.refresh().as_of, run.policy.enrichment
    rows: list[dict[str, object]] = []
    count = 0

    def write() -> None:
        if rows:
            _keep(run, pl.DataFrame(rows, schema=PROVIDER_ANSWER_COLUMNS))
            rows.clear()

    try:
        for answer in answers:
            tally.count(answer)
            rows.append(answer_row(asked.name, answer, as_of, expiry(provider, enrichment, answer, as_of)))
            count += answer.status != "failed"
            if len(rows) >= _BATCH:
                write()
    finally:
        write()
    return count


def _known(run: StageRun) -> pl.DataFrame:
    """Answers known at the refresh's moment."""
    import polars as pl

    return kept_answers(run).filter(pl.col("known_at") <= run.refresh().as_of)


def _keep(run: StageRun, rows: pl.DataFrame) -> dict[str, TableVersion]:
    """Add answers to the state; calls of one that was asked for at the same moment before are added up."""
    import polars as pl

    key = ["provider", "key_kind", "key", "asked_at"]
    if len(rows):
        former = kept_answers(run).select(*key, before="call_count")
        rows = (
            rows.join(former, on=key, how="left")
            .with_columns(call_count=pl.col("call_count") + pl.col("before").fill_null(0))
            .drop("before")
        )
    return run.write({ANSWERS: rows}, inputs=list(ASKING_READS), merged=[ANSWERS])
