"""Training a matching model on the home's own lead records, on request.

Belongs here: reading the records under the refresh lock, keeping the model, telling of it. Does not belong here: how learning goes
(identity/linkage_lead_training.py). Nothing is matched anew: the policy says which model a refresh takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import LeadflowError
from leadflow.settings import Settings
from leadflow.version import code_version
from leadflow.warehouse.connection import Warehouse
from leadflow.warehouse.lock import refresh_lock
from leadflow.warehouse.tables import table_exists

if TYPE_CHECKING:
    from leadflow.identity.linkage import LinkageModel

SEED = 1
FEWEST = 500
"""Lead records below which nothing is trained: the model that comes along knows more than so few can teach."""
_INDEX = "identity.match_index"


def train_matching(settings: Settings) -> Iterator[str]:
    """Train on identity.match_index, keep the model as models/matching/VERSION.json, and tell of it in lines.

    Raises:
        LeadflowError: there is no refreshed home, or its records are too few or too unlike to teach a model.
        WarehouseLockedError: a refresh holds the lock for too long.
    """
    from leadflow.identity.linkage import model_from_json
    from leadflow.identity.linkage_lead_training import train_lead_model

    warehouse = Warehouse.from_settings(settings)
    if not warehouse.path.exists():
        raise LeadflowError(f"{warehouse.path} does not exist", "run `leadflow run` or `leadflow demo` first")
    command = "leadflow train-matching"
    with refresh_lock(settings.lock_path, purpose=command, wait_seconds=settings.lock_wait_seconds):
        with warehouse.connect(read_only=True) as connection:
            is_there = table_exists(connection, _INDEX)
        if not is_there:
            raise LeadflowError(f"{warehouse.path} holds no {_INDEX}", "run `leadflow run` first")
        records = warehouse.read(f"select * from {_INDEX} order by record_key")
        if records.height < FEWEST:
            raise LeadflowError(
                f"{records.height:,} lead records are too few to train a matching model on; it takes {FEWEST:,}",
                "keep matching.model of policy.yaml at builtin",
            )
        with warehouse.scratch() as lent:
            text = train_lead_model(lent, records, SEED, code_version())
        model = model_from_json(text)
        path = kept(settings.models_dir / "matching", model.version, text)
    yield f"Matching model {model.version}, trained on {records.height:,} lead records without labels: {path}"
    yield (
        f"Of them {model.trained_on['records']:,} say something of their own; {model.trained_on['pairs']:,} pairs agree on a mailbox, "
        f"a number, or name and company. Two records at random are one person once in {1 / model.prior:,.0f}."
    )
    yield from weights_told(model)
    yield f"To match by it: `matching: {{model: {model.version}}}` in policy.yaml; the next refresh then matches every record anew."


def kept(folder: Path, version: str, text: str) -> Path:
    """Write a model's file, whole or not at all; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{version}.json"
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return path


def weights_told(model: LinkageModel) -> Iterator[str]:
    """What each level weighs, a line per comparison: log2 Bayes factors, above 0 for one person, below for two."""
    from leadflow.identity.linkage import level_weights

    yield "Weights in bits (10 is a thousand to one for one person, -10 against):"
    for comparison in model.comparisons:
        levels = sorted(level_weights(comparison).items(), reverse=True)
        told = ", ".join(f"{label} {weight:+.1f}" for gamma, (label, weight) in levels if gamma >= 0)
        yield f"  {comparison['output_column_name']}: {told}"
