"""Pairs of records scored by a frozen model on Splink.

Belongs here: the model as it is kept, and scoring with it. Does not belong here: training (linkage_training.py), who belongs
together (linkage_clusters.py), and which columns lead records have (linkage_leads.py).

Scoring is a pure function of two records and the model: nothing is counted in the data at hand. Splink is lent a DuckDB
connection, best one of its own in memory, and leaves no table behind.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from math import log2
from typing import TYPE_CHECKING, Any

from leadflow.errors import LeadflowError
from leadflow.identity.linkage_comparisons import Comparison
from leadflow.identity.linkage_fields import Field

if TYPE_CHECKING:
    import polars as pl
    from duckdb import DuckDBPyConnection
    from splink import Linker

MODEL_FORMAT = 1
RECORDS = "__leadflow_linkage_records"
"""Table of the records that a linker is lent for."""
_DIGITS = 6
"""Significant digits kept of a parameter: beyond them sums depend on the order in which threads finish."""


@dataclass(frozen=True)
class LinkageModel:
    """Parameters as they were learned, and what they were learned from.

    Attributes:
        fields: what is compared.
        prior: probability that two records taken at random are of one person.
        comparisons: Splink's comparisons, each level but the null one with m_probability and u_probability.
        blocking: columns that find pairs: records that agree on all columns of one entry are compared.
        trained_on: counts and the seed of the training, and the code version; no value of any record.
    """

    fields: tuple[Field, ...]
    prior: float
    comparisons: tuple[Comparison, ...]
    blocking: tuple[tuple[str, ...], ...]
    trained_on: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Hash of all that scoring depends on."""
        parameters = {name: value for name, value in self._parts().items() if name != "trained_on"}
        return sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:12]

    def _parts(self) -> dict[str, Any]:
        return {
            "format": MODEL_FORMAT,
            "fields": [asdict(field) for field in self.fields],
            "prior": self.prior,
            "comparisons": list(self.comparisons),
            "blocking": [list(columns) for columns in self.blocking],
            "trained_on": dict(self.trained_on),
        }

    def to_json(self) -> str:
        """The model as text that `model_from_json` reads."""
        return (
            json.dumps(
                {"version": self.version, **self._parts()}, indent=1, ensure_ascii=False, sort_keys=True
            )
            + "\n"
        )


def model_from_json(text: str, place: str = "matching model") -> LinkageModel:
    """A kept model; LeadflowError naming the place where it cannot be read or was changed by hand."""
    try:
        parts = json.loads(text)
        model = LinkageModel(
            fields=tuple(Field(**field) for field in parts["fields"]),
            prior=float(parts["prior"]),
            comparisons=tuple(parts["comparisons"]),
            blocking=tuple(tuple(columns) for columns in parts["blocking"]),
            trained_on=parts["trained_on"],
        )
        said, form = parts["version"], parts["format"]
    except (ValueError, KeyError, TypeError) as problem:
        raise LeadflowError(f"{place} is no matching model ({problem})", "train it again") from problem
    if form != MODEL_FORMAT:
        raise LeadflowError(
            f"{place} has format {form}, this leadflow reads {MODEL_FORMAT}", "train the model again"
        )
    if said != model.version:
        raise LeadflowError(
            f"{place} says version {said} but holds {model.version}, so that it was changed after training",
            "train it again",
        )
    return model


def frozen(model: LinkageModel) -> LinkageModel:
    """The model with its parameters rounded, so that training on the same data gives the same version."""
    return replace(
        model,
        prior=_rounded(model.prior),
        comparisons=tuple(
            {
                "output_column_name": comparison["output_column_name"],
                "comparison_levels": [_frozen_level(level) for level in comparison["comparison_levels"]],
            }
            for comparison in model.comparisons
        ),
    )


def _frozen_level(level: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: level[name] for name in ("sql_condition", "label_for_charts")}
    if level.get("is_null_level"):
        return {**kept, "is_null_level": True}
    return {**kept, **{name: _rounded(level[name]) for name in ("m_probability", "u_probability")}}


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def known_levels(comparison: Comparison) -> list[dict[str, Any]]:
    """The levels of a comparison but for 'not known', the surest first; a level's gamma is its place from the end."""
    return [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]


def level_weights(comparison: Comparison) -> dict[int, tuple[str, float]]:
    """gamma → (label, weight) of a trained comparison; the weight is the log2 Bayes factor, 0 where not known."""
    levels = known_levels(comparison)
    weights = {-1: ("not known", 0.0)}
    for place, level in enumerate(levels):
        factor = log2(level["m_probability"] / level["u_probability"])
        weights[len(levels) - 1 - place] = (level["label_for_charts"], factor)
    return weights


def settings_of(model: LinkageModel) -> dict[str, Any]:
    """The model as Splink's settings."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": model.prior,
        "comparisons": [
            {**comparison, "comparison_levels": [dict(level) for level in comparison["comparison_levels"]]}
            for comparison in model.comparisons
        ],
        "blocking_rules_to_generate_predictions": [],
        "retain_matching_columns": True,  # gammas come with them alone
        "retain_intermediate_calculation_columns": False,
    }


@contextmanager
def lent_linker(
    connection: DuckDBPyConnection, records: pl.DataFrame, settings: Mapping[str, Any]
) -> Iterator[Linker]:
    """A Splink linker over records (with unique_id) on a lent connection; its tables are gone afterwards."""
    from splink import DuckDBAPI, Linker

    # Its warnings tell of levels that no pair showed and of defaults; what is done about them is said in linkage_training.py.
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection)
    table = RECORDS
    # A table rather than a view of the frame: Splink reads it once for every step.
    connection.register("__leadflow_linkage_frame", records.to_arrow())
    connection.execute(f"create or replace temp table {table} as select * from __leadflow_linkage_frame")
    connection.unregister("__leadflow_linkage_frame")
    linker = Linker(api.register(table), dict(settings), log_level=None)
    try:
        yield linker
    finally:
        linker.table_management.delete_tables_created_by_splink_from_db()  # type: ignore[no-untyped-call]
        connection.execute(f"drop table if exists {table}")


def candidate_pairs_sql(
    blocking: Sequence[Sequence[str]], left: str, right: str | None = None, cap: int | None = None
) -> str:
    """SQL for the pairs (join_key_l < join_key_r) that agree on all columns of one blocking entry, each pair once.

    Args:
        blocking: columns per entry; null agrees with nothing.
        left: table with unique_id and the columns.
        right: all records, where left holds the new ones only; left itself where None.
        cap: keys that more records share are left out; None where the columns hold no such key any more.
    """
    selects = []
    for columns in blocking:
        same = " and ".join(f'l."{column}" = r."{column}"' for column in columns)
        keys = ", ".join(f'"{column}"' for column in columns)
        source, other = left, right or left
        if cap is not None:
            # A key of one record finds nothing, one of too many finds everything.
            narrow = f"(select * from {{}} where ({keys}) in (select ({keys}) from {other} group by {keys} having count(*) between 2 and {cap}))"
            source, other = narrow.format(source), narrow.format(other)
        order = "l.unique_id < r.unique_id" if right is None else "l.unique_id <> r.unique_id"
        selects.append(
            "select least(l.unique_id, r.unique_id) as join_key_l, greatest(l.unique_id, r.unique_id) as join_key_r "
            f"from {source} l join {other} r on {same} and {order}"
        )
    found = " union all ".join(selects)
    return f"select distinct '0' as match_key, join_key_l, join_key_r from ({found})"


def score_pairs(
    connection: DuckDBPyConnection,
    records: pl.DataFrame,
    pairs: pl.DataFrame,
    model: LinkageModel,
    least_weight: float | None = None,
) -> pl.DataFrame:
    """Pairs scored by the model.

    Args:
        connection: lent; DuckDB.
        records: unique_id and the columns that the model's comparisons name.
        pairs: unique_id_l, unique_id_r, each pair once.
        model: frozen.
        least_weight: pairs of less log2 weight (prior included) are left out.

    Returns unique_id_l < unique_id_r, match_weight (log2, prior included), match_probability, and `gamma_<comparison>` per
    comparison, by key. The order of a pair's two records makes no difference.
    """
    import polars as pl

    from leadflow.identity.linkage_pruning import leave_promising

    gammas = [f"gamma_{comparison['output_column_name']}" for comparison in model.comparisons]
    if pairs.is_empty():
        return pl.DataFrame(
            schema={"unique_id_l": pl.String, "unique_id_r": pl.String, "match_weight": pl.Float64, "match_probability": pl.Float64}
            | dict.fromkeys(gammas, pl.Int32)
        )  # fmt: skip
    table = "__leadflow_linkage_pairs"
    ordered = pairs.select(
        match_key=pl.lit("0"),
        join_key_l=pl.min_horizontal("unique_id_l", "unique_id_r"),
        join_key_r=pl.max_horizontal("unique_id_l", "unique_id_r"),
    )
    connection.register("__leadflow_linkage_frame", ordered.to_arrow())
    connection.execute(f"create or replace temp table {table} as select * from __leadflow_linkage_frame")
    connection.unregister("__leadflow_linkage_frame")
    try:
        with lent_linker(connection, records, settings_of(model)) as linker:
            if least_weight is not None:
                leave_promising(connection, table, records.columns, model, least_weight)
            api = linker._db_api
            linker.table_management.register_blocked_pairs_for_predict(api.register(table))
            scored = linker.inference.predict(threshold_match_weight=least_weight, warning_mode="never")
            columns = ", ".join(["unique_id_l", "unique_id_r", "match_weight", "match_probability", *gammas])
            found: pl.DataFrame = connection.sql(f"select {columns} from {scored.physical_name}").pl()
    finally:
        connection.execute(f"drop table if exists {table}")
    return found.sort("unique_id_l", "unique_id_r")
