"""What a refresh says of features that were kept from the model.

Belongs here: sentences for a person. Does not belong here: the checks (features/leakage.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from leadflow.settings import Settings

_TABLE = "features.leakage_report"


def blocked_features(settings: Settings) -> Iterator[str]:
    """A sentence for each feature that is blocked: its first finding, and what to do."""
    from leadflow.warehouse.connection import Warehouse
    from leadflow.warehouse.tables import table_exists

    with Warehouse.from_settings(settings).connect(read_only=True) as connection:
        if not table_exists(connection, _TABLE):
            return
        rows = connection.execute(
            "select feature, min_by(reason, (threshold is null, check_name)) from features.leakage_report "
            "where verdict = 'blocked' group by feature order by feature"
        ).fetchall()
    for feature, reason in rows:
        yield f"Kept from the model: {feature}. {reason[0].upper()}{reason[1:]}."
