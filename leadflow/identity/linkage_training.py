"""Learning a linkage model from records without labels.

Belongs here: what Splink's training is asked for, in which order, and what is done to its parameters before they are frozen. Does
not belong here: scoring (linkage.py). Training happens on request only, never in a refresh.

Two ways. Records of which many come more than once teach by how all their candidate pairs agree (linkage_learning.py). Records of
which few do, such as leads, teach by Splink: u from random pairs, and m from pairs that agree on sure columns, in several passes that
each hold other columns fixed; the prior is then counted by sure columns.
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
from leadflow.identity.linkage_comparisons import Comparison, blocking_keys, comparisons_of
from leadflow.identity.linkage_fields import Field
from leadflow.identity.linkage_learning import Patterns, learn, typical_matches

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
_RANDOM_PAIRS = 1_000_000
_LEAST = 1e-6
_OF_HOUSEHOLDS = frozenset({"street", "place", "postcode", "house_number", "region", "phone"})
"""Kinds of fields that people who live together share."""


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
    """A model for persons of any fields, from records of `linkage_fields.prepare`; LeadflowError where they cannot teach one.

    Learns what sets the largest group of alike pairs apart. Where many people share few names, and addresses made of them, that group is
    namesakes, and they are joined: look at the pairs, or at a sample with labels, before relying on such a model.
    """
    return train(
        connection, records,
        LinkageModel(tuple(fields), 1e-4, tuple(comparisons_of(fields)), tuple(blocking_keys(fields)), {}),
        (), seed, code_version,
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
        passes: columns held fixed in each pass of Splink's expectation maximisation, where `sure` is given.
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
    if sure:
        started = _trained_by_splink(connection, records, untrained, passes, seed)
        possible = records.height * (records.height - 1) / 2
        filled = tuple(_filled(comparison) for comparison in started.comparisons)
        model = replace(started, prior=pairs.height / SURE_RECALL / possible, comparisons=filled)
    else:
        model = _trained_by_patterns(connection, records, pairs, untrained, seed)
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
    from splink.internals.exceptions import SplinkException

    settings = settings_of(untrained)
    settings["probability_two_random_records_match"] = min(0.01, 5 / records.height)
    with lent_linker(connection, records.sort("unique_id"), settings) as linker:
        linker.training.estimate_u_using_random_sampling(
            max_pairs=float(_RANDOM_PAIRS), seed=seed, min_count_per_level=None
        )
        failed: Exception | None = None
        taught = 0
        for columns in passes:
            # Splink refuses a pass in which a level's share sinks to nothing, as happens where few pairs agree on the columns, and
            # leaves the linker as it was: the other passes teach what this one would have.
            try:
                linker.training.estimate_parameters_using_expectation_maximisation(
                    block_on(*columns), estimate_without_term_frequencies=True, max_pairs=float(_RANDOM_PAIRS)
                )
                taught += 1
            except (ValueError, SplinkException) as problem:
                failed = problem
        if not taught:
            raise LeadflowError(
                "The records that agree are too few or too alike to train a matching model on",
                "give more records in which people come twice",
            ) from failed
        learned: dict[str, Any] = linker.misc.save_model_to_json()
    return replace(
        untrained,
        prior=settings["probability_two_random_records_match"],
        comparisons=tuple(learned["comparisons"]),
    )


def _random_pairs(unique_ids: Sequence[str], seed: int) -> pl.DataFrame:
    """unique_id_l, unique_id_r of pairs drawn at random, each once."""
    import numpy as np
    import polars as pl

    chance = np.random.default_rng(seed)
    one, other = chance.integers(0, len(unique_ids), (2, _RANDOM_PAIRS))
    ids = pl.Series(unique_ids)
    drawn = np.unique(np.stack([one, other])[:, one < other], axis=1)
    return pl.DataFrame({"unique_id_l": ids.gather(drawn[0]), "unique_id_r": ids.gather(drawn[1])})


def _trained_by_patterns(
    connection: DuckDBPyConnection,
    records: pl.DataFrame,
    pairs: pl.DataFrame,
    untrained: LinkageModel,
    seed: int,
) -> LinkageModel:
    """A model learned from how the candidate pairs agree, beside random pairs (or all, where all are candidates)."""
    import numpy as np

    started = _started(untrained)
    gammas = [f"gamma_{comparison['output_column_name']}" for comparison in started.comparisons]
    possible = records.height * (records.height - 1) / 2
    random = pairs if pairs.height == possible else _random_pairs(sorted(records["unique_id"]), seed)
    counted = [
        score_pairs(connection, records, some, started).group_by(gammas).len("pairs").sort(gammas)
        for some in ((pairs,) if random is pairs else (pairs, random))
    ]
    levels = [counts.select(gammas).to_numpy().astype(np.int64) for counts in counted]
    numbers = [counts["pairs"].to_numpy().astype(np.float64) for counts in counted]
    coincidences = []
    for at, comparison in enumerate(started.comparisons):
        known = levels[-1][:, at] >= 0
        sums = np.bincount(
            levels[-1][known, at], weights=numbers[-1][known], minlength=len(known_levels(comparison))
        )
        coincidences.append(sums.astype(np.float64))
    shared = tuple(field.kind in _OF_HOUSEHOLDS for field in untrained.fields)
    learned = learn(
        Patterns(levels[0], numbers[0], tuple(coincidences), possible, shared), 1 / records.height
    )
    comparisons = []
    for comparison, u, weights in zip(started.comparisons, learned.u, learned.weights(), strict=True):
        # A strength below 1 is put into m: the weight of a level is all that scoring takes from the two.
        comparisons.append(_with_parameters(comparison, u * np.exp(weights), u))
    return replace(started, prior=learned.prior, comparisons=tuple(comparisons))


def _started(untrained: LinkageModel) -> LinkageModel:
    """The model with parameters that only have to be there: agreement does not depend on them."""
    return replace(
        untrained,
        comparisons=tuple(
            _with_parameters(comparison, usual, usual[::-1])
            for comparison in untrained.comparisons
            for usual in [typical_matches(len(known_levels(comparison)))]
        ),
    )


def _filled(comparison: Comparison) -> Comparison:
    """Levels that no pair of the training showed get a small share, so that every weight is finite."""
    for name in ("m_probability", "u_probability"):
        shares = [level.get(name) for level in known_levels(comparison)]
        kept = [max(share, _LEAST) if isinstance(share, float) else _LEAST for share in shares]
        for level, share in zip(known_levels(comparison), kept, strict=True):
            level[name] = share / sum(kept)
    return comparison


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
