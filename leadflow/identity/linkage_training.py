"""Learning a linkage model from records without labels.

Belongs here: what Splink's training is asked for, in which order, and what is done to its parameters before they are frozen. Does
not belong here: scoring (linkage.py). Training happens on request only, never in a refresh.

Splink learns u (how often two records of different people agree at a level) from random pairs, and m (how often two of one person
do) by expectation maximisation in several passes, each holding other fields fixed. Then m and the prior are learned once more on the
agreement patterns of all candidate pairs together, and u is freed of the true matches among the random pairs: where every person has
several records these outweigh the coincidences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from leadflow.errors import LeadflowError
from leadflow.identity.linkage import (
    LinkageModel,
    candidate_pairs_sql,
    frozen,
    known_levels,
    lent_linker,
    score_pairs,
    settings_of,
)
from leadflow.identity.linkage_comparisons import Comparison, blocking_keys, comparisons_of, training_keys
from leadflow.identity.linkage_fields import Field

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

ALL_PAIRS_UP_TO = 2_000
"""Records up to which every pair is a candidate (2 million pairs): no blocking can then miss one."""
BLOCK_CAP = 200
"""Records that may share a blocking key; a key of more finds nothing that its other keys would not."""
SURE_RECALL = 0.9
"""Share of all pairs of one person that agree on sure columns, where the prior is taken from these; it moves all weights alike, and
by little: half of it would be one bit."""
_RANDOM_PAIRS = 1_000_000.0
_LEAST = 1e-6
_ROUNDS = 200
_SETTLED = 1e-7


def candidate_pairs(
    connection: DuckDBPyConnection,
    records: pl.DataFrame,
    blocking: Sequence[Sequence[str]],
    *,
    is_blocked: bool = False,
) -> pl.DataFrame:
    """unique_id_l, unique_id_r of all pairs worth comparing: every pair of few records, those of a common key of many (or
    `is_blocked`)."""
    table = "__leadflow_linkage_prepared"
    connection.register("__leadflow_linkage_frame", records.to_arrow())
    connection.execute(f"create or replace temp table {table} as select * from __leadflow_linkage_frame")
    connection.unregister("__leadflow_linkage_frame")
    if records.height <= ALL_PAIRS_UP_TO and not is_blocked:
        sql = (
            f"select l.unique_id as unique_id_l, r.unique_id as unique_id_r from {table} l join {table} r "
            "on l.unique_id < r.unique_id"
        )
    else:
        found = candidate_pairs_sql(blocking, table, cap=BLOCK_CAP)
        sql = f"select join_key_l as unique_id_l, join_key_r as unique_id_r from ({found})"
    pairs: pl.DataFrame = connection.sql(f"{sql} order by all").pl()
    connection.execute(f"drop table {table}")
    return pairs


def train_persons(
    connection: DuckDBPyConnection,
    records: pl.DataFrame,
    fields: Sequence[Field],
    seed: int,
    code_version: str,
) -> LinkageModel:
    """A model for persons of any fields, from records of `linkage_fields.prepare`; LeadflowError where they cannot teach one."""
    return train(
        connection, records,
        LinkageModel(tuple(fields), 1e-4, tuple(comparisons_of(fields)), tuple(blocking_keys(fields)), {}),
        training_keys(fields), seed, code_version,
    )  # fmt: skip


def train(
    connection: DuckDBPyConnection,
    records: pl.DataFrame,
    untrained: LinkageModel,
    passes: Sequence[tuple[str, ...]],
    seed: int,
    code_version: str,
    sure: Sequence[tuple[str, ...]] = (),
) -> LinkageModel:
    """A frozen model. The same records, seed and code give the same one.

    Args:
        connection: lent; DuckDB.
        records: unique_id and the columns that comparisons, blocking and passes name; at least two.
        untrained: fields, comparisons and blocking; its other parts are not used.
        passes: columns held fixed in each pass of expectation maximisation.
        seed: of the random pairs.
        code_version: kept with the model.
        sure: columns that only records of one person agree on, as a rule: the prior is then taken from the pairs that do
            (`SURE_RECALL`), and nothing is learned from the candidates as a whole. For records of which few have a second: among
            their candidates colleagues and namesakes outnumber the pairs of one person, and would be taken for them.
    """
    if records.height < 10:
        raise LeadflowError(
            f"{records.height} records are too few to train a matching model on", "give some hundreds"
        )
    pairs = candidate_pairs(connection, records, sure or untrained.blocking, is_blocked=bool(sure))
    if pairs.is_empty():
        raise LeadflowError(
            "No two of the records share any key to train a matching model on",
            "give records in which people come twice",
        )
    started = _trained_by_splink(connection, records, untrained, passes, seed)
    if sure:
        possible = records.height * (records.height - 1) / 2
        filled = tuple(_filled(comparison) for comparison in started.comparisons)
        model = replace(started, prior=pairs.height / SURE_RECALL / possible, comparisons=filled)
    else:
        model = _settled(connection, records, pairs, started)
    trained_on = {
        "records": records.height,
        "pairs": pairs.height,
        "seed": seed,
        "code_version": code_version,
    }
    return frozen(replace(model, trained_on=trained_on))


def _trained_by_splink(
    connection: DuckDBPyConnection,
    records: pl.DataFrame,
    untrained: LinkageModel,
    passes: Sequence[tuple[str, ...]],
    seed: int,
) -> LinkageModel:
    from splink import block_on

    settings = settings_of(untrained)
    settings["probability_two_random_records_match"] = min(0.01, 5 / records.height)
    with lent_linker(connection, records.sort("unique_id"), settings) as linker:
        linker.training.estimate_u_using_random_sampling(
            max_pairs=_RANDOM_PAIRS, seed=seed, min_count_per_level=None
        )
        for columns in passes:
            linker.training.estimate_parameters_using_expectation_maximisation(
                block_on(*columns), estimate_without_term_frequencies=True, max_pairs=_RANDOM_PAIRS
            )
        learned: dict[str, Any] = linker.misc.save_model_to_json()
    return replace(
        untrained,
        prior=settings["probability_two_random_records_match"],
        comparisons=tuple(learned["comparisons"]),
    )


def _settled(
    connection: DuckDBPyConnection, records: pl.DataFrame, pairs: pl.DataFrame, started: LinkageModel
) -> LinkageModel:
    """m and prior by expectation maximisation over the agreement patterns of all candidates; u freed of matches."""
    import numpy as np
    import polars as pl

    started = replace(started, comparisons=tuple(_filled(comparison) for comparison in started.comparisons))
    gammas = [f"gamma_{comparison['output_column_name']}" for comparison in started.comparisons]
    scored = score_pairs(connection, records, pairs, started)
    patterns = scored.group_by(gammas).agg(pairs=pl.len()).sort(gammas)
    levels = patterns.select(gammas).to_numpy().astype(np.int64)
    counts = patterns.get_column("pairs").to_numpy().astype(np.float64)
    possible = records.height * (records.height - 1) / 2
    seen = [_parameters(comparison, "u_probability") for comparison in started.comparisons]
    m = [_parameters(comparison, "m_probability") for comparison in started.comparisons]
    u, prior = [values.copy() for values in seen], started.prior
    for _ in range(_ROUNDS):
        weights = np.full(len(counts), np.log(prior / (1 - prior)))
        for at in range(len(m)):
            weights += np.append(np.log(m[at] / u[at]), 0.0)[levels[:, at]]
        matches = counts / (1 + np.exp(-weights))
        before, prior = prior, float(np.clip(matches.sum() / possible, 1 / possible, 0.5))
        for at in range(len(m)):
            m[at], u[at] = _updated(levels[:, at], matches, seen[at], prior)
        if abs(np.log(prior / before)) < _SETTLED:
            break
    comparisons = tuple(
        _with_parameters(comparison, m[at], u[at]) for at, comparison in enumerate(started.comparisons)
    )
    return replace(started, prior=prior, comparisons=comparisons)


def _updated(
    levels: NDArray[np.int64], matches: NDArray[np.float64], seen: NDArray[np.float64], prior: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """m from the matches of each level (by gamma), and u: what was seen in random pairs less what matches account for."""
    import numpy as np

    known = levels >= 0
    sums = np.bincount(levels[known], weights=matches[known], minlength=len(seen)) + 0.5
    m = sums / sums.sum()
    u = np.maximum(seen - prior * m, np.maximum(seen * 0.02, _LEAST))
    return m, u / u.sum()


def _filled(comparison: Comparison) -> Comparison:
    """Levels that no pair of the training showed get a small share, so that every weight is finite."""
    for name in ("m_probability", "u_probability"):
        shares = [level.get(name) for level in known_levels(comparison)]
        kept = [max(share, _LEAST) if isinstance(share, float) else _LEAST for share in shares]
        for level, share in zip(known_levels(comparison), kept, strict=True):
            level[name] = share / sum(kept)
    return comparison


def _parameters(comparison: Comparison, name: str) -> NDArray[np.float64]:
    """A comparison's parameter by gamma, the last level ('different') first."""
    import numpy as np

    return np.array([level[name] for level in reversed(known_levels(comparison))], dtype=np.float64)


def _with_parameters(comparison: Comparison, m: NDArray[np.float64], u: NDArray[np.float64]) -> Comparison:
    values = iter(zip(m[::-1].tolist(), u[::-1].tolist(), strict=True))
    levels = []
    for level in comparison["comparison_levels"]:
        if level.get("is_null_level"):
            levels.append(level)
        else:
            match, other = next(values)
            levels.append({**level, "m_probability": match, "u_probability": other})
    return {**comparison, "comparison_levels": levels}
