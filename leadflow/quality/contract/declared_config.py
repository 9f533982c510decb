"""The config of a test: how hard a failure is, which rows count, and to whom it belongs.

Belongs here: dbt's keys for it, beside a test's name, below `config:` and in the config() of a singular test, and
leadflow's own keys. Does not belong here: a test's arguments (declared_tests.py, arguments.py).

leadflow's own keys, and shares such as `warn_if: "> 1%"`, which dbt would paste into its SQL, stand below `meta:`: dbt
accepts anything there. What stands there goes before what stands beside it, so `error_if` may say one thing to dbt and a
more exact one to leadflow.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from leadflow.quality.contract.labels import NO_LABELS, Labels, Refuse, read_labels
from leadflow.quality.contract.tables import MAX_QUARANTINED_SHARE, OnFail, Severity
from leadflow.quality.contract.thresholds import Threshold, read_threshold

CONFIG_KEYS = frozenset(
    {
        "severity", "where", "enabled", "warn_if", "error_if", "limit", "fail_calc", "tags", "meta", "group", "owners",
        "store_failures", "store_failures_as", "alias", "database", "schema", "on_fail", "max_quarantined_share",
    }
)  # fmt: skip
"""Keys that dbt takes beside a test's name or below `config:`, and leadflow's own."""

META_KEYS = ("on_fail", "max_quarantined_share", "warn_if", "error_if", "owner", "owners")
_COUNT_OF_ROWS = "count(*)"


@dataclass(frozen=True)
class TestConfig:
    """What is configured.

    Attributes:
        is_enabled: whether the test runs at all.
        severity: error or warn.
        where: SQL condition of the rows that are tested.
        warn_if: failing rows that make a warning; None where nothing was said.
        error_if: failing rows that make a failure; None where nothing was said.
        limit: failing rows are counted no further than this.
        labels: tags and owners.
        on_fail: what becomes of failing rows.
        max_quarantined_share: share of the table's rows, 0 to 1, that may be set aside.
    """

    __test__ = False  # pytest would collect a class of this name

    is_enabled: bool = True
    severity: Severity = "error"
    where: str | None = None
    warn_if: Threshold | None = None
    error_if: Threshold | None = None
    limit: int | None = None
    labels: Labels = NO_LABELS
    on_fail: OnFail = "block"
    max_quarantined_share: float = MAX_QUARANTINED_SHARE

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """The thresholds that were given."""
        return tuple(threshold for threshold in (self.warn_if, self.error_if) if threshold is not None)


def read_config(
    name: str,
    settings: Mapping[str, Any],
    groups: Mapping[str, tuple[str, ...]],
    refuse: Refuse,
    *,
    taken: Collection[str] = (),
) -> TestConfig:
    """The config of the test `name`; what is wrong is refused, and is as if it were not there.

    Args:
        name: the test's name, for messages.
        settings: what stands below it: config keys, arguments, and `config:`.
        groups: owners by group.
        refuse: notes a problem.
        taken: config keys that are arguments of this test, such as `where` of a macro that takes it.
    """
    below = settings.get("config") or {}
    if not isinstance(below, dict):
        refuse(f"gives {name} a config that is no mapping", "write `name: value` lines")
        below = {}
    beside = {key: settings[key] for key in CONFIG_KEYS & settings.keys() - set(taken)}
    _refuse_slips(name, below, CONFIG_KEYS, refuse)
    given = beside | below
    # What only leadflow reads goes last: it may be more exact than what dbt is told.
    metas = [_meta(name, place.get("meta"), refuse) for place in (beside, below)]
    own = {key: value for meta in metas for key, value in meta.items() if key in META_KEYS}
    reader = _Values(name, given | own, frozenset(own), refuse)
    reader.refuse_other_counts()

    def refuse_label(problem: str, remedy: str) -> None:
        refuse(f"configures {name}: it {problem}", remedy)

    return TestConfig(
        is_enabled=reader.fitting("enabled", True, lambda value: isinstance(value, bool), "true or false"),
        severity=reader.one_of("severity", "error", typing.get_args(Severity)),
        where=reader.where(),
        warn_if=reader.threshold("warn_if"),
        error_if=reader.threshold("error_if"),
        limit=reader.limit(),
        labels=read_labels(beside | {"config": below}, groups, refuse_label),
        on_fail=reader.one_of("on_fail", "block", typing.get_args(OnFail)),
        max_quarantined_share=reader.share("max_quarantined_share", MAX_QUARANTINED_SHARE),
    )


def _meta(name: str, raw: Any, refuse: Refuse) -> Mapping[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        refuse(f"gives {name} a meta that is no mapping", "write `name: value` lines")
        return {}
    _refuse_slips(name, raw, META_KEYS, refuse)
    return raw


def _refuse_slips(name: str, given: Mapping[str, Any], known: Collection[str], refuse: Refuse) -> None:
    """Refuse a key that is nearly, but not quite, one that is read; any other is a package's."""
    for key in given:
        near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.8)
        if key not in known and near:
            refuse(f"configures {name} with the unknown '{key}'", f"write '{near[0]}'")


@dataclass(frozen=True)
class _Values:
    """Takes values out of a config, refusing what does not fit."""

    name: str
    given: Mapping[str, Any]
    in_meta: frozenset[str]
    refuse: Refuse

    def fitting(self, key: str, default: Any, fits: Callable[[Any], bool], wanted: str) -> Any:
        value = self.given.get(key)
        if value is None:
            return default
        if not fits(value):
            shown = str(value).lower() if isinstance(value, bool) else value
            self.refuse(f"gives {self.name} `{key}: {shown}`", f"write {wanted}")
            return default
        return value

    def one_of(self, key: str, default: str, words: tuple[str, ...]) -> Any:
        found = self.given.get(key, default)
        if isinstance(found, str) and found.lower() in words:
            return found.lower()
        if found is not None:
            self.refuse(f"gives {self.name} the {key} '{found}'", f"write {' or '.join(words)}")
        return default

    def where(self) -> str | None:
        condition = self.given.get("where")
        if condition is not None and not (isinstance(condition, str) and condition.strip()):
            self.refuse(f"gives {self.name} a where that is no SQL condition", "write it as text")
            return None
        if condition is not None and ("{{" in condition or "{%" in condition):
            self.refuse(f"gives {self.name} a where with Jinja in it, which is not rendered",
                        "write plain SQL, or a query under dbt_like_sql/tests, where var('as_of') is known")  # fmt: skip
            return None
        return condition

    def limit(self) -> int | None:
        def fits(value: Any) -> bool:
            return isinstance(value, int) and not isinstance(value, bool) and value > 0

        limit: int | None = self.fitting("limit", None, fits, "a number of rows, from 1")
        return limit

    def threshold(self, key: str) -> Threshold | None:
        raw = self.given.get(key)
        if raw is None:
            return None
        found = read_threshold(raw) if isinstance(raw, str) else None
        if found is None:
            self.refuse(
                f"gives {self.name} `{key}: {raw}`, which says nothing of a number of failing rows",
                "write it as text, such as '> 10', '!= 0' or 'between 1 and 3'",
            )
        elif found.is_share and key not in self.in_meta:
            self.refuse(
                f"gives {self.name} `{key}: {raw}`, a share, which dbt would fail on",
                f"write `config: {{meta: {{{key}: '{raw}'}}}}`, which dbt passes over",
            )
        elif found.is_share and self.given.get("limit") is not None:
            self.refuse(
                f"gives {self.name} `{key}: {raw}` and a limit, so that the share would be of too few",
                "leave one out",
            )
        elif not found.is_told_by(self.given.get("limit")):
            self.refuse(
                f"gives {self.name} `{key}: {raw}` and the limit {self.given['limit']}, at which counting ends before it is told",
                "raise the limit, or leave it out",
            )
        return found

    def share(self, key: str, default: float) -> float:
        def fits(value: Any) -> bool:
            return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1

        return float(self.fitting(key, default, fits, "a share of the table's rows, from 0 to 1"))

    def refuse_other_counts(self) -> None:
        """Refuse a fail_calc that is not dbt's default: it would mean another number."""
        fail_calc = self.given.get("fail_calc")
        if fail_calc is not None and "".join(str(fail_calc).lower().split()) != _COUNT_OF_ROWS:
            self.refuse(
                f"configures {self.name} with fail_calc '{fail_calc}'; leadflow counts failing rows, count(*)",
                "leave it out, or write a test under dbt_like_sql/tests whose rows are what you count",
            )
