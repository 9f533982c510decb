"""What a whole refresh says of a simulated company, against the simulator's truth.

Belongs here: persons, contact checks and robots of one simulated company, as docs/accuracy.md tells them. Does not belong here: accounts
(accounts.py), real data (persons.py, accuracy.py), speed (run.py).

The company is simulated and refreshed by the real command, and the warehouse is read afterwards. Pairs of lead records count for
persons; junk records, whose person is made up, are left out there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import duckdb
import polars as pl

from bench.accounts import accounts_report, clean_leads, pair_score, true_companies
from bench.measure import measure

LEADFLOW = [sys.executable, "-c", "from leadflow.cli import main; main()"]
LEADS = 100_000
SEED = 31

_MEMBERS = """
    select map.record_key, map.lead_id, truth.true_person_id
    from identity.identity_map as map
    join truth on map.record_key = truth.record_key
    where map.known_to is null and truth.fake_kind <> 'junk'
"""
_EDGES = """
    select record_key_1, record_key_2
    from identity.match_pairs
    where decision = 'match' and rule <> 'model'
"""
_CHECKS = """
    select
        truth.fake_kind, truth.blocklist_sign, truth.competitor_sign,
        rejected.rule,
        coalesce(clean.contact_flags::varchar like '%competitor%', false) as is_flagged
    from truth
    left join clean.rejected_leads as rejected using (record_key)
    left join clean.clean_leads as clean using (record_key)
"""
_ROBOTS = """
    with judged as (
        select
            events.visitor_id,
            robots.visitor_id is not null as is_robot,
            events.left_out_from is not null as is_found
        from clean.clean_web_events as events
        left join (select distinct visitor_id from robots) as robots using (visitor_id)
    ),
    visitors as (
        select visitor_id, bool_or(is_robot) as is_robot, bool_or(is_found) as is_found from judged group by visitor_id
    )
    select 'visitors' as what, count(*) filter (is_found and is_robot), count(*) filter (is_found), count(*) filter (is_robot)
    from visitors
    union all
    select 'events', count(*) filter (is_found and is_robot), count(*) filter (is_found), count(*) filter (is_robot)
    from judged
    order by what
"""
_SIGNS: dict[str, pl.Expr] = {
    "blocklisted": pl.col("blocklist_sign").is_not_null(),
    "competitor": pl.col("competitor_sign").is_not_null(),
    "made_up_contact": pl.col("fake_kind") == "junk",
    "sensitive_words": pl.col("fake_kind") == "sensitive",
}
"""Rules that the truth has a sign for; of a name that several rules begin with, all count."""


def simulated_lines(leads: int = LEADS, seed: int = SEED) -> list[str]:
    """The sections of docs/accuracy.md on a simulated company: it is simulated, refreshed once and thrown away."""
    with tempfile.TemporaryDirectory(prefix="leadflow-accuracy-") as folder:
        company, home = Path(folder) / "company", Path(folder) / "home"
        home.mkdir()
        measure([*LEADFLOW, "simulate", "--leads", str(leads), "--seed", str(seed), "--out", str(company)])
        environment = {"LEADFLOW_HOME": str(home)}
        measure([*LEADFLOW, "run", "--sources", str(company / "sources.yaml")], environment)
        return company_lines(home, company)


def company_lines(home: Path, company: Path) -> list[str]:
    """The sections for a home that has refreshed on a folder that `leadflow simulate` wrote."""
    truth = pl.read_parquet(company / "truth" / "lead_records.parquet").with_columns(
        record_key=pl.format("{}:{}", "raw_table", "record_id")
    )
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        connection.register("truth", truth.to_arrow())
        connection.register("robots", pl.read_parquet(company / "truth" / "robots.parquet").to_arrow())
        members, edges = connection.sql(_MEMBERS).pl(), connection.sql(_EDGES).pl()
        checks = connection.sql(_CHECKS).pl()
        robots = connection.sql(_ROBOTS).fetchall()
    return [
        *persons_lines(members, edges), *accounts_report(clean_leads(home), true_companies(company)),
        *checks_lines(checks), *robots_lines(robots),
    ]  # fmt: skip


def persons_lines(members: pl.DataFrame, edges: pl.DataFrame) -> list[str]:
    """Persons by rules alone, and by rules and model.

    Args:
        members: record_key, lead_id, true_person_id.
        edges: record_key_1, record_key_2 of the pairs that rules match.
    """
    by_rules = members.join(components(members["record_key"], edges), on="record_key")
    rows = [
        ("rules and model, with their guards", members, "lead_id"),
        ("rules alone", by_rules, "component"),
    ]
    told = []
    for name, frame, column in rows:
        score = pair_score(frame.rename({"true_person_id": "true_company_id"}), column)
        told.append(f"| {name} | {score.f1:.3f} | {score.precision:.3f} | {score.recall:.3f} |")
    people = members["true_person_id"].n_unique()
    return [
        "## Persons, simulated", "",
        f"{members.height:,} lead records of {people:,} people, in pairs, as `leadflow run` leaves them. Rules alone: whatever a rule of "
        "the matching policy ties together in the same refresh, without the model.", "",
        "| way | F1 | precision | recall |",
        "| --- | --- | --- | --- |",
        *told, "",
    ]  # fmt: skip


def components(keys: pl.Series, edges: pl.DataFrame) -> pl.DataFrame:
    """record_key, component: the least key that a record is tied to, itself where it is tied to none."""
    parent = {key: key for key in keys}

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for one, other in edges.iter_rows():
        if one in parent and other in parent:
            first, second = sorted((root(one), root(other)))
            parent[second] = first
    return pl.DataFrame({"record_key": keys, "component": [root(key) for key in keys]})


def checks_lines(checks: pl.DataFrame) -> list[str]:
    """Contact checks against the truth.

    Args:
        checks: fake_kind, blocklist_sign, competitor_sign, rule (null where accepted) and is_flagged (as a competitor's), a row per lead record.
    """
    rule = pl.col("rule").fill_null("")
    rows = []
    for name, sign in _SIGNS.items():
        found = rule.str.starts_with(name)
        if name == "competitor":
            found = found | pl.col("is_flagged")
        right, told, true = checks.select(
            (found & sign).sum().alias("right"), found.sum().alias("told"), sign.sum().alias("true")
        ).row(0)
        caught = checks.select((sign & (found | (rule != ""))).sum()).item()
        rows.append(
            f"| {name.replace('_', ' ')} | {told:,} | {true:,} | {_share(right, told)} | {_share(right, true)} | {_share(caught, true)} |"
        )
    by_rule = checks.filter(rule != "")["rule"].value_counts().sort("count", "rule", descending=[True, False])
    return [
        "## Contact checks, simulated", "",
        f"{checks.height:,} lead records. A record is rejected by the most severe of its rules: 'by any' counts the records that another rule took. Competitors' people are kept and flagged.", "",
        "| rules | found | true | precision | recall | by any |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows, "",
        "Rejected by rule: " + ", ".join(f"{name} {count:,}" for name, count in by_rule.iter_rows()) + ".", "",
    ]  # fmt: skip


def robots_lines(robots: list[tuple[str, int, int, int]]) -> list[str]:
    """Robots among web visitors, and their events; rows of what, right, found, true."""
    return [
        "## Robots, simulated", "",
        "| what | found | true | precision | recall |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {what} | {found:,} | {true:,} | {_share(right, found)} | {_share(right, true)} |"
            for what, right, found, true in robots
        ),
        "",
    ]  # fmt: skip


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"
