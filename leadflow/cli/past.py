"""The warehouse looked at from any past moment: what was known of leads, and the scores that a refresh would have given them.

Belongs here: reading features, golden records and outcomes as of a moment, of very many leads in parts. Does not belong
here: scoring them (scoring/replay.py), what a command makes of it (explain.py, backtest.py). Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import LeadflowError
from leadflow.quality.contracts import load_contracts
from leadflow.quality.sql_text import literal
from leadflow.rule_measures import rule_variables
from leadflow.settings import Settings
from leadflow.warehouse.connection import query, scalar
from leadflow.warehouse.models.sql_models import home_room
from leadflow.warehouse.refreshes import Refresh, current_refresh
from leadflow.warehouse.stage_run import ROWS_PER_PART, StageRun
from leadflow.warehouse.tables import columns_of, key_ranges, table_exists

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from duckdb import DuckDBPyConnection

    from leadflow.policy import Policy
    from leadflow.scoring.model import TrainedModel
    from leadflow.scoring.scored import Scored

_SPINE, _CHOSEN, _DATED = "leadflow_replayed_spine", "leadflow_replayed_leads", "leadflow_replayed_facts"
"""Temporary tables, of this connection alone: the warehouse itself is not written to."""
_FEATURES = Path("features(spine) of a replay")
_NEEDED = ("identity.leads", "identity.identity_map", "clean.clean_leads", "features.lead_features", "scoring.scored_leads")  # fmt: skip


@dataclass(frozen=True)
class Past:
    """An open, read-only look at the warehouse as its last refresh left it.

    Attributes:
        run: the home, its contracts and models.
        connection: to its warehouse; while it is open nobody writes.
        refresh: the refresh that the scores are of; no later moment can be looked from.
    """

    run: StageRun
    connection: DuckDBPyConnection
    refresh: Refresh

    @cached_property
    def declared(self) -> dict[str, str]:
        """Type by name of the attributes that leads have."""
        from leadflow.modelling.attributes import declared_types

        return declared_types(
            query(self.connection, "select attribute, value_type from staging.stg_attributes")
        )

    @cached_property
    def _features_sql(self) -> str:
        text = f"{{{{ features('select lead_id, as_of from {_SPINE}') }}}}"
        return self.run.room.render_select(text, self.run.variables(self.refresh), told=_FEATURES)

    def features(self, as_of: datetime, chosen: str) -> pl.DataFrame:
        """features(spine) of the leads that a select of lead_id gives, as of a moment, by lead_id.

        Only leads that were known then have a row.
        """
        self._keep(_SPINE, _spine(as_of, chosen))
        return query(self.connection, f"select * from ({self._features_sql}\n) order by lead_id")

    def activity(self, spine: str, policies: Sequence[Policy]) -> pl.DataFrame | None:
        """What leads did by day until moments, of what rules of any of the policies count; None where none counts.

        Args:
            spine: a select of lead_id and as_of.
        """
        measures = rule_variables(*policies)["rule_measures"]
        if not measures:
            return None
        self._keep(_SPINE, spine)
        days = self._rendered(
            f"activity_days('select lead_id, as_of from {_SPINE}', var('rule_measures'))", policies
        )
        return query(
            self.connection,
            f"select lead_id, as_of, measure, days_ago, occurrences from ({days}\n) "
            "order by lead_id, as_of, measure, days_ago",
        )

    def fact_dates(self, features: pl.DataFrame, policy: Policy) -> pl.DataFrame:
        """The days of the facts behind features that rules and gates of a policy may name: features.lead_fact_dates of then.

        Args:
            features: what `features` gave.
        """
        spine = features.select("lead_id", "as_of", "account_id", "last_activity_at")
        self.connection.register("leadflow_lent", spine.to_arrow())
        self._keep(_DATED, "from leadflow_lent")
        self.connection.unregister("leadflow_lent")
        select = f"select lead_id, as_of, account_id, last_activity_at from {_DATED}"
        dates = self._rendered(f"fact_dates('{select}', var('dated_measures'))", [policy])
        return query(self.connection, f"select * from ({dates}\n) order by lead_id")

    def _rendered(self, call: str, policies: Sequence[Policy]) -> str:
        """A call of a macro, with the measures that rules of the policies need, whatever the policy in force needs."""
        variables = {**self.run.variables(self.refresh), **rule_variables(*policies)}
        return self.run.room.render_select(f"{{{{ {call} }}}}", variables, told=Path(f"{call} of a replay"))

    def _keep(self, table: str, select: str) -> None:
        self.connection.execute(f"create or replace temp table {table} as {select}").fetchall()

    def features_in_parts(
        self,
        as_of: datetime,
        leads: pl.DataFrame,
        policies: Sequence[Policy],
        *,
        rows: int = ROWS_PER_PART,
    ) -> Iterator[tuple[pl.DataFrame, pl.DataFrame | None]]:
        """Features of leads (column lead_id) and what they did by day, as far as the policies count it.

        Part by part in the order of lead_id: memory stays flat.
        """
        self.connection.register("leadflow_lent", leads.select("lead_id").to_arrow())
        self._keep(_CHOSEN, "from leadflow_lent")
        self.connection.unregister("leadflow_lent")
        for after, until in key_ranges(self.connection, _CHOSEN, "lead_id", rows=rows):
            bounds = [
                f"lead_id {operator} {literal(bound)}"
                for operator, bound in ((">", after), ("<=", until))
                if bound is not None
            ]
            part = f"select lead_id from {_CHOSEN} where {' and '.join(bounds) or 'true'}"
            yield self.features(as_of, part), self.activity(_spine(as_of, part), policies)

    def leads(self, as_of: datetime, chosen: str) -> pl.DataFrame:
        """Golden records of the leads that a select of lead_id gives, from the records known at a moment."""
        from leadflow.identity.golden import columns_read, golden_records

        moment = literal(as_of)
        memberships = (
            "select record_key, lead_id, case when account_known_from <= "
            f"{moment} then account_id end as account_id, cast(null as timestamp) as known_to "
            f"from identity.identity_map where known_from <= {moment} and (known_to is null or known_to > {moment}) "
            f"and lead_id in ({chosen})"
        )
        columns = ", ".join(columns_read(columns_of(self.connection, "clean.clean_leads")))
        records = query(
            self.connection,
            f"select {columns} from clean.clean_leads where known_at <= {moment} "
            f"and record_key in (select record_key from ({memberships}))",
        )
        survivorship = self.run.policy.survivorship
        return golden_records(records, query(self.connection, memberships), survivorship).leads

    def scored(self, as_of: datetime, chosen: str, policy: Policy, model: TrainedModel | None) -> Scored:
        """The leads that a select of lead_id gives, scored with their reasons as of a moment."""
        from leadflow.scoring.replay import scored_at

        features = self.features(as_of, chosen)
        return scored_at(
            self.leads(as_of, chosen),
            features,
            policy,
            model,
            self.declared,
            as_of,
            self.activity(_spine(as_of, chosen), [policy]),
            self.fact_dates(features, policy),
        )

    def refuse_later(self, as_of: datetime) -> None:
        """Refuse a moment after the last refresh.

        Raises:
            LeadflowError: nobody has looked from it yet.
        """
        if as_of > self.refresh.as_of:
            raise LeadflowError(
                f"{as_of} UTC is after the last refresh, which looked from {self.refresh.as_of} UTC",
                "take an earlier moment, or run `leadflow run` first",
            )


@contextmanager
def open_past(settings: Settings, command: str, *, tell: Callable[[str], None]) -> Iterator[Past]:
    """The past of a home; a refresh that holds the warehouse is waited for, and that is told.

    Raises:
        LeadflowError: there is no warehouse, or no refresh scored leads in it yet.
        WarehouseLockedError: a refresh held the warehouse for longer than connect_wait_seconds.
    """
    contracts = load_contracts(settings.sql_dir, cache_file=settings.cache_file("singular_tests.json"))
    run = StageRun(settings, contracts, home_room(settings, contracts), command)
    with run.warehouse.reading(tell) as connection:
        missing = [table for table in _NEEDED if not table_exists(connection, table)]
        if missing:
            raise LeadflowError(
                f"{settings.warehouse_path} has no table {', '.join(missing)} yet", "run `leadflow run` first"
            )
        yield Past(run, connection, _scored_refresh(connection))


def known_then(as_of: datetime) -> str:
    """A select of the lead_id of leads known at a moment, of those there are now.

    A lead that was merged into another since is part of that one now, and is not among them.
    """
    return f"select lead_id from identity.leads where known_from <= {literal(as_of)}"


def _spine(as_of: datetime, chosen: str) -> str:
    return f"select lead_id, {literal(as_of)} as as_of from ({chosen})"


def one_lead(lead_id: str) -> str:
    """A select of one lead_id."""
    return f"select {literal(lead_id)} as lead_id"


def moments(start: datetime, end: datetime, every_days: int) -> Sequence[datetime]:
    """Every so many days from a moment until another, both included where the days add up."""
    from datetime import timedelta

    count = (end - start) // timedelta(days=every_days)
    return [start + timedelta(days=every_days) * at for at in range(count + 1)]


def _scored_refresh(connection: DuckDBPyConnection) -> Refresh:
    """The refresh that scoring.scored_leads was last written in: a later one may have failed before."""
    as_of = scalar(
        connection,
        "select arg_max(as_of, version) from quality.table_versions where table_name = 'scoring.scored_leads'",
    )
    return replace(current_refresh(connection), as_of=as_of)
