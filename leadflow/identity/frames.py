"""The columns of every table that this stage reads back in the next refresh.

Belongs here: which frame is which table. Does not belong here: what the columns hold (the contract, and the modules that make
them).
"""

from __future__ import annotations

import polars as pl

from leadflow.identity.accounts import ACCOUNT_ID_COLUMNS, COMPANY_PAIR_COLUMNS
from leadflow.identity.identity_log import LEAD_ID_COLUMNS, LOG_COLUMNS
from leadflow.identity.match_index import INDEX_COLUMNS
from leadflow.identity.match_rules import PAIR_COLUMNS
from leadflow.identity.pins import PIN_COLUMNS
from leadflow.identity.resolution import HEAD_COLUMNS, IDENTITY_MAP_COLUMNS

FRAMES: dict[str, dict[str, pl.DataType]] = {
    "identity.match_index": INDEX_COLUMNS,
    "identity.match_pairs": PAIR_COLUMNS,
    "identity.match_heads": HEAD_COLUMNS,
    "identity.identity_map": IDENTITY_MAP_COLUMNS,
    "identity.lead_ids": LEAD_ID_COLUMNS,
    "identity.identity_log": LOG_COLUMNS,
    "identity.pins": PIN_COLUMNS,
    "identity.account_ids": ACCOUNT_ID_COLUMNS,
    "identity.company_pairs": COMPANY_PAIR_COLUMNS,
}
