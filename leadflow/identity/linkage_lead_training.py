"""Training the model of lead records, on request: on a company's own records, or on simulated ones for the model that comes along.

Belongs here: which records and passes teach it. Does not belong here: how learning goes (linkage_training.py). No refresh comes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadflow.identity.linkage import LinkageModel
from leadflow.identity.linkage_heads import COMPARED, KEYS, heads_of
from leadflow.identity.linkage_leads import untrained_lead_model
from leadflow.identity.linkage_training import train

if TYPE_CHECKING:
    import polars as pl
    from duckdb import DuckDBPyConnection

MOST_HEADS = 100_000
"""Heads that are trained on; of more, those first in the order of a hash of their key. Parameters no longer move with more."""

PASSES: tuple[tuple[str, ...], ...] = (
    ("mailbox",),
    ("phone",),
    ("person_key", "company"),
    ("person_key", "own_domain"),
)
"""Columns held fixed in each pass of expectation maximisation; every comparison is free in two passes at least."""

SURE: tuple[tuple[str, ...], ...] = (
    ("mailbox",),
    ("phone",),
    ("wechat_id",),
    ("person_key", "company"),
    ("person_key", "own_domain"),
)
"""Columns that only heads of one person agree on, as a rule; the prior is counted by them."""


def train_lead_model(
    connection: DuckDBPyConnection, records: pl.DataFrame, seed: int, code_version: str
) -> str:
    """A model of lead records as JSON text, for `linkage.model_from_json`; the same records, seed and code give the same text.

    Args:
        connection: lent; DuckDB, best one of its own in memory.
        records: `identity.match_index`, one row per record_key; some thousands at least.
        seed: of the random pairs.
        code_version: kept with the model.

    No label is used. LeadflowError where the records cannot teach a model.
    """
    heads = heads_of(records)
    if heads.height > MOST_HEADS:
        heads = (
            heads.with_columns(order=heads["unique_id"].hash(seed))
            .sort("order", "unique_id")
            .head(MOST_HEADS)
        )
    untrained = LinkageModel(prior=1e-4, trained_on={}, **untrained_lead_model())
    columns = heads.sort("unique_id").select(*COMPARED, *KEYS)
    return train(connection, columns, untrained, PASSES, seed, code_version, SURE).to_json()
