"""icp: the Dagster shell of the ideal customer profile, and the plot of RFM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from leadflow.quality.contracts import Contracts
from leadflow.warehouse.connection import query
from leadflow.warehouse.stage_run import StageRun
from leadflow.warehouse.table_assets import table_asset
from leadflow.warehouse.tables import TableVersion

if TYPE_CHECKING:
    from leadflow.icp.profile import Profile


def build_assets(contracts: Contracts) -> list[dg.AssetsDefinition]:
    """icp/icp_segments with icp/account_fit; icp/rfm and icp/account_facts are made by SQL."""
    inputs = ["icp.account_facts"]

    @table_asset(contracts, outputs=["icp.icp_segments", "icp.account_fit"], inputs=inputs)
    def icp_segments(run: StageRun) -> Mapping[str, TableVersion]:
        from leadflow.icp.account_fit import fit_by_segments
        from leadflow.icp.plots import plot_fit, plot_segments
        from leadflow.icp.profile import find_profile
        from leadflow.icp.rule_fit import fit_by_rules
        from leadflow.plotting import picture

        facts, as_of = run.read("icp.account_facts").sort("account_id"), run.refresh().as_of
        profile = find_profile(facts, run.policy.icp, as_of)
        if profile.method == "segments":
            fit = fit_by_segments(facts, profile, as_of)
        else:
            fit = fit_by_rules(facts, run.policy, profile, as_of)
        lifts = picture(plot_segments(profile.segments), "Lift of segments")
        run.tell("icp.icp_segments", **_found(profile), plot=dg.MetadataValue.md(lifts))
        is_won = facts["won_at"].is_not_null()
        run.tell(
            "icp.account_fit",
            method=profile.method,
            fitted_as_of=str(profile.fitted_as_of),
            plot=dg.MetadataValue.md(
                picture(plot_fit(fit, is_won), "account_fit of won accounts and others")
            ),
        )
        return run.write({"icp.icp_segments": profile.segments, "icp.account_fit": fit}, inputs=inputs)

    return [icp_segments]


def _found(profile: Profile) -> dict[str, Any]:
    """What is told of the segments beside their rows."""
    from leadflow.icp.profile import in_words

    told: dict[str, Any] = {
        "method": profile.method,
        "fitted_as_of": str(profile.fitted_as_of),
        "how they were found": dg.MetadataValue.md("\n\n".join(in_words(profile))),
    }
    if profile.grouping is not None and profile.grouping.trials:
        lines = ["groups | silhouette | stability", "--- | --- | ---"]
        lines += [f"{t.k} | {t.silhouette:.3f} | {t.stability:.3f}" for t in profile.grouping.trials]
        told["numbers of groups tried"] = dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines))
    return told


def tell_rfm(run: StageRun) -> Mapping[str, Any]:
    """How many leads and customers are in each named segment, and the plot."""
    from leadflow.icp.plots import plot_rfm
    from leadflow.plotting import picture

    with run.connect(read_only=True) as connection:
        grid = query(
            connection,
            "select subject_type, recency_score, frequency_score, count(*) as subjects from icp.rfm group by all order by all",
        )
        named = query(
            connection,
            "select segment, count(*) filter (where subject_type = 'lead') as leads, "
            "count(*) filter (where subject_type = 'account') as accounts from icp.rfm group by all order by all",
        )
    lines = ["segment | leads | accounts", "--- | --- | ---"]
    lines += [f"{segment} | {leads:,} | {accounts:,}" for segment, leads, accounts in named.iter_rows()]
    return {
        "segments": dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines)),
        "plot": dg.MetadataValue.md(picture(plot_rfm(grid), "Recency and frequency")),
    }


MODEL_TELLS: Mapping[str, Callable[[StageRun], Mapping[str, Any]]] = {"icp.rfm": tell_rfm}
"""What is told of tables made by SQL, beside rows and version."""
