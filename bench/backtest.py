"""A backtest of twelve weekly moments: `python -m bench.backtest prepare|run FOLDER [LEADS EVENTS_PER_LEAD]`.

Belongs here: a warehouse of many leads with events and deals, and `leadflow backtest` on it as a process of its own. Does not
belong here: what the leads and events are (features.py). Prints a JSON object.

Every lead is known at the first moment. One channel of four brings four times the wins, so that there is something to
learn.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.features import make, prepare
from bench.measure import measure
from bench.refreshes import LEADFLOW
from leadflow.settings import load_settings
from leadflow.warehouse.connection import Warehouse

FIRST, LAST = "2026-01-05", "2026-03-23"
_BORN_DAYS = 180
_POLICY = "tiers: {hot_above: 70.0, warm_from: 30.0}\nblend: {model_weight: 0.9}\n"
_WON = 0.04


def company(folder: Path, leads: int, events_per_lead: int) -> None:
    """A refreshed home up to its scores, and the policy that is tried."""
    prepare(folder, leads, events_per_lead, born_days=_BORN_DAYS)
    settings = load_settings(home=folder / "home", sources=folder / "sources.yaml")
    with Warehouse.from_settings(settings).connect() as connection:
        connection.execute("update identity.leads set created_at = known_from").fetchall()
        drawn = "hash('deal', n) % 10000 / 10000.0"
        days = "cast(hash('closed', n) % 330 as integer)"
        connection.execute(
            "insert into raw.opportunities by name "
            "select 'O' || n as opportunity_id, 'M' || n as mql_id, "
            f"case when {drawn} < {_WON} * (case when n % 4 = 0 then 4 else 1 end) then 'won' else 'lost' end as outcome, "
            f"moment as opened_at, moment + to_days({days}) as closed_at, moment + to_days({days}) as occurred_at, "
            f"moment + to_days({days}) as known_at, 'bench' as source_name, 'bench' as source_file "
            "from (select cast(substr(lead_id, 2) as bigint) as n, known_from as moment from identity.leads) "
            f"where {drawn} < 0.3 and moment + to_days({days}) < timestamp '2026-07-01'"
        ).fetchall()
    make(settings, ("features", "scoring"))
    (folder / "policy.yaml").write_text(_POLICY, encoding="utf-8")


def backtest_case(leads: int, events_per_lead: int, runs: int) -> Iterator[dict[str, Any]]:
    """The command, from its start to its last line."""
    result: dict[str, Any] = {"backtest_leads": leads, "backtest_events": leads * events_per_lead, "runs": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "company"
        company(folder, leads, events_per_lead)
        for _ in range(runs):
            result["runs"].append(_run(folder))
            yield result


def _run(folder: Path) -> dict[str, Any]:
    out = folder / "out"
    run = measure(
        [
            *LEADFLOW,
            "backtest",
            "--policy",
            str(folder / "policy.yaml"),
            "--from",
            FIRST,
            "--to",
            LAST,
            "--out",
            str(out),
        ],
        {"LEADFLOW_HOME": str(folder / "home")},
    )
    told = json.loads((out / "backtest.json").read_text(encoding="utf-8"))
    plain = {key: value for key, value in asdict(run).items() if key != "output"}
    return {
        **plain,
        "moments": len(told["moments"]),
        "rows": sum(row["leads"] for row in told["moments"]),
        "model": told["model"]["candidate"],
        "verdict": told["verdict"],
    }


def main() -> None:
    """One part, over the home in a folder."""
    part, folder, *sizes = sys.argv[1:]
    if part == "prepare":
        company(Path(folder), *map(int, sizes))
        print(json.dumps({"leads": int(sizes[0])}))
    else:
        print(json.dumps(_run(Path(folder))))


if __name__ == "__main__":
    main()
