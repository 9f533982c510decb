"""The scoring policy: every number of policy.yaml that a team may set, typed, checked and hashed.

Belongs here: what the settings are, their defaults and which combinations make no sense. Does not belong here:
what is done with them (scoring/), where leadflow finds its files (settings.py).

The defaults are the field's common ones; templates/policy.yaml repeats them with comments.
"""

from __future__ import annotations

import hashlib
import json
import math
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from leadflow.bot_policy import Bots
from leadflow.company_policy import Companies, with_alias_files
from leadflow.config_files import read_yaml, validate
from leadflow.contact_policy import (
    Blocklist,
    Competitors,
    ContactChecks,
    Entry,
    SensitiveWords,
    is_release,
    with_files,
)
from leadflow.enrichment_policy import Enrichment, refuse_missing_files
from leadflow.gains_policy import Gains
from leadflow.icp_policy import IdealCustomer
from leadflow.leakage_policy import Leakage
from leadflow.matching_policy import Matching
from leadflow.reasons_policy import Reasons
from leadflow.survivorship_policy import Duplicates, Survivorship

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100)]
Count = Annotated[int, Field(strict=True, ge=1)]
Days = Annotated[int, Field(strict=True, ge=0)]
Flag = Annotated[bool, Field(strict=True)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Group = Literal["static", "dynamic", "contact"]
GROUPS: tuple[Group, ...] = ("static", "dynamic", "contact")
LIST_NAMES = ("competitors.domains",)

_NUMBER_OPS = ("gt", "gte", "lt", "lte")


class _Section(BaseModel):
    """A part of the policy: unknown settings are refused, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Condition(_Section):
    """When a rule fires: one feature of features.lead_features compared with a value or a named list.

    Text is compared without regard to case. An unknown (null) feature never fires a rule.

    Attributes:
        feature: column of features.lead_features.
        op: gt, gte, lt, lte (a number), equals (one value), in (several values), is_true, in_list (a named list).
        value: what the feature is compared with; none with is_true and in_list.
        list_name: (`list` in the file) the list that in_list looks the feature up in.
    """

    feature: Sentence
    op: Literal["gt", "gte", "lt", "lte", "equals", "in", "is_true", "in_list"]
    value: Any = None
    list_name: str | None = Field(default=None, alias="list")

    @model_validator(mode="after")
    def _fits_the_operator(self) -> Condition:
        if self.op != "in_list" and self.list_name is not None:
            raise ValueError(f"'list' goes with op in_list, not with {self.op}")
        if self.op in ("is_true", "in_list") and self.value is not None:
            raise ValueError(f"op {self.op} takes no 'value'")
        if self.op == "in_list" and self.list_name not in LIST_NAMES:
            raise ValueError(f"op in_list needs a 'list' that exists: {', '.join(LIST_NAMES)}")
        if self.op in _NUMBER_OPS and not _is_number(self.value):
            raise ValueError(f"op {self.op} needs a number as 'value'")
        if self.op == "equals" and not (isinstance(self.value, str | bool) or _is_number(self.value)):
            raise ValueError("op equals needs a text, a number, true or false as 'value'")
        if self.op == "in":
            values = self.value if isinstance(self.value, list | tuple) else ()
            if not values or not (
                all(isinstance(item, str) for item in values) or all(_is_number(item) for item in values)
            ):
                raise ValueError("op in needs a list of texts, or of numbers, as 'value'")
        return self


class Rule(_Section):
    """Points for one observable fact about a lead.

    Attributes:
        name: snake_case, unique within the policy.
        group: static (fit), dynamic (engagement) or contact (what kind of address it is).
        when: the fact.
        points: may be negative.
        reason: a sentence that a salesperson reads beside the score.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    group: Group
    when: Condition
    points: Number
    reason: Sentence


class Grades(_Section):
    """Lowest static_score of each fit grade; below c_from it is D.

    Attributes:
        a_from: lowest static_score, 0 to 100, of grade A.
        b_from: lowest static_score of grade B, below a_from.
        c_from: lowest static_score of grade C, below b_from.
    """

    a_from: Percent = 75.0
    b_from: Percent = 50.0
    c_from: Percent = 25.0

    @model_validator(mode="after")
    def _descend(self) -> Grades:
        if not self.a_from > self.b_from > self.c_from:
            raise ValueError("grades must descend: a_from above b_from above c_from")
        return self


class Levels(_Section):
    """Lowest dynamic_score of each engagement level; below level_3_from it is level 4.

    Attributes:
        level_1_from: lowest dynamic_score, 0 to 100, of level 1.
        level_2_from: lowest dynamic_score of level 2, below level_1_from.
        level_3_from: lowest dynamic_score of level 3, below level_2_from.
    """

    level_1_from: Percent = 75.0
    level_2_from: Percent = 50.0
    level_3_from: Percent = 25.0

    @model_validator(mode="after")
    def _descend(self) -> Levels:
        if not self.level_1_from > self.level_2_from > self.level_3_from:
            raise ValueError("levels must descend: level_1_from above level_2_from above level_3_from")
        return self


class Tiers(_Section):
    """HOT is a score above hot_above, WARM from warm_from up to and with hot_above, COLD below.

    Attributes:
        hot_above: score, 0 to 100, above which a lead is HOT.
        warm_from: lowest score of a lead that is WARM, below hot_above.
    """

    hot_above: Percent = 80.0
    warm_from: Percent = 40.0

    @model_validator(mode="after")
    def _leave_room(self) -> Tiers:
        if self.warm_from >= self.hot_above:
            raise ValueError(
                f"warm_from ({self.warm_from:g}) must be below hot_above ({self.hot_above:g}), or WARM and HOT overlap"
            )
        return self


class Blend(_Section):
    """How far the model may outweigh the rules.

    Attributes:
        model_weight: the model's share of the score once it has seen enough wins, 0 to 1.
        wins_for_full_weight: won leads in training from which it gets that share; fewer give it less, in proportion.
    """

    model_weight: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.7
    wins_for_full_weight: Count = 120


class Training(_Section):
    """How the model learns from past leads.

    Attributes:
        is_enabled: false scores by rules alone.
        from_date: (`from` in the file) first day that examples are taken from.
        from_reason: why earlier leads do not count; goes with `from`.
        horizon_days: a lead counts as won when it was won within so many days of the moment it is looked at.
        moments_days: days after a lead's creation at which it is looked at for training.
        max_leads: leads that are learned from at most; of more, so many are drawn at random, but the same ones at
            every refresh while they are there. Time and memory of training then stay the same however many leads come.
        test_share: newest share of leads kept aside to measure the model.
        purge: leave out training examples whose label was still open when the test period began.
        minimum_wins, minimum_not_won: leads of each kind below which no model is trained.
        smoothing: leads' worth of the average that each category's win rate is drawn towards; 'auto' estimates it.
        seed: of whatever is drawn at random.
        threads: for the linear algebra; more than one may change the last digits of a model.
        bootstrap_samples: resamples for the interval of the AUC.
    """

    is_enabled: Flag = True
    from_date: date | None = Field(default=None, alias="from")
    from_reason: Sentence | None = None
    horizon_days: Count = 90
    moments_days: tuple[Days, ...] = (0, 7, 30, 90)
    max_leads: Count = 100_000
    test_share: Annotated[float, Field(strict=True, ge=0.05, le=0.5)] = 0.2
    purge: Flag = False
    minimum_wins: Count = 40
    minimum_not_won: Count = 40
    smoothing: Literal["auto"] | Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] = "auto"
    seed: Days = 20240501
    threads: Count = 1
    bootstrap_samples: Annotated[int, Field(strict=True, ge=100, le=100_000)] = 1000

    @field_validator("moments_days")
    @classmethod
    def _ascend(cls, moments: tuple[int, ...]) -> tuple[int, ...]:
        if not moments or list(moments) != sorted(set(moments)):
            raise ValueError("needs at least one number of days, ascending, none twice")
        return moments

    @model_validator(mode="after")
    def _says_why(self) -> Training:
        if (self.from_date is None) != (self.from_reason is None):
            raise ValueError("'from' and 'from_reason' go together: say why earlier leads do not count")
        return self


class Publish(_Section):
    """What leaves the warehouse.

    Attributes:
        mask_pii: mask names, e-mail addresses and phones in the published mart.
    """

    mask_pii: Flag = True


def _rule(name: str, group: Group, when: dict[str, Any], points: float, reason: str) -> Rule:
    return Rule(name=name, group=group, when=Condition.model_validate(when), points=points, reason=reason)


TECHNOLOGY = (
    "Technology",
    "Information Technology",
    "Information Technology & Services",
    "IT Services",
    "Software",
    "Computer Software",
    "SaaS",
    "Internet",
)

DEFAULT_RULES = (
    _rule("large_company", "static", {"feature": "company_size", "op": "gt", "value": 500}, 20,
          "Company has more than 500 employees"),
    _rule("technology_industry", "static", {"feature": "industry", "op": "in", "value": list(TECHNOLOGY)}, 10,
          "Company is in the technology industry"),
    _rule("c_level_title", "static", {"feature": "seniority", "op": "equals", "value": "c_level"}, 25,
          "Contact is at C level"),
    _rule("director_title", "static", {"feature": "seniority", "op": "equals", "value": "director"}, 15,
          "Contact is a director or above"),
    _rule("manager_title", "static", {"feature": "seniority", "op": "equals", "value": "manager"}, 15,
          "Contact is a manager"),
    _rule("pricing_page", "dynamic", {"feature": "pricing_page_views_ever", "op": "gt", "value": 0}, 10,
          "Looked at the pricing page"),
    _rule("white_paper", "dynamic", {"feature": "white_paper_downloads_ever", "op": "gt", "value": 0}, 5,
          "Downloaded a white paper"),
    _rule("webinar", "dynamic", {"feature": "webinars_attended_ever", "op": "gt", "value": 0}, 15,
          "Attended a webinar"),
    _rule("email_reply", "dynamic", {"feature": "email_replies_ever", "op": "gt", "value": 0}, 10,
          "Replied to an e-mail"),
    _rule("spam_report", "dynamic", {"feature": "spam_reports_ever", "op": "gt", "value": 0}, -20,
          "Reported our e-mail as spam"),
    _rule("idle", "dynamic", {"feature": "days_since_last_activity", "op": "gt", "value": 30}, -5,
          "No activity for more than 30 days"),
    _rule("personal_mail", "contact", {"feature": "is_free_mail", "op": "is_true"}, -10,
          "Uses a personal e-mail address"),
    _rule("competitor", "contact", {"feature": "is_competitor", "op": "is_true"}, -50,
          "Works for a competitor"),
    _rule("suspect_contact", "contact", {"feature": "has_suspect_contact", "op": "is_true"}, -10,
          "Contact data does not look real"),
)  # fmt: skip


class Policy(_Section):
    """All of policy.yaml; a setting that is left out has its default.

    Attributes:
        rules: points for one observable fact about a lead each; a fact counts once.
        contact_checks: what each check of a lead record does.
        sensitive_words: what no lead's name, company or title holds.
        blocklist: what is never worked as a lead.
        competitors: companies whose people are not leads.
        release: lead records (mql:123) and e-mail addresses that no check rejects, whatever it finds.
        matching: which lead records are one person.
        companies: other names of companies, and how alike two names have to be.
        survivorship: whose word counts where a lead's records differ.
        duplicates: what is done with a lead record that was known already.
        bots: which web events are left out of features.
        enrichment: who is asked about an account, and what is made of the answers.
        icp: how the ideal customer is found.
        grades: fit grades of the static score.
        levels: engagement levels of the dynamic score.
        tiers: HOT, WARM and COLD by the score.
        maturity_pass_mark: rule_score, 0 to 100, from which a lead is mature enough to be handed to sales.
        blend: how far the model may outweigh the rules.
        training: how the model learns from past leads.
        leakage: which features are kept from the model as outcomes in disguise.
        reasons: what is told of why a lead has its score.
        gains: what calling costs and a win is worth.
        publish: what leaves the warehouse.
    """

    rules: tuple[Rule, ...] = DEFAULT_RULES
    contact_checks: ContactChecks = ContactChecks()
    sensitive_words: SensitiveWords = SensitiveWords()
    blocklist: Blocklist = Blocklist()
    competitors: Competitors = Competitors()
    release: tuple[Entry, ...] = ()
    bots: Bots = Bots()
    icp: IdealCustomer = IdealCustomer()
    matching: Matching = Matching()
    companies: Companies = Companies()
    survivorship: Survivorship = Survivorship()
    duplicates: Duplicates = Duplicates()
    enrichment: Enrichment = Enrichment()
    grades: Grades = Grades()
    levels: Levels = Levels()
    tiers: Tiers = Tiers()
    maturity_pass_mark: Percent = 50.0
    blend: Blend = Blend()
    training: Training = Training()
    leakage: Leakage = Leakage()
    reasons: Reasons = Reasons()
    gains: Gains = Gains()
    publish: Publish = Publish()

    @field_validator("rules")
    @classmethod
    def _have_names_of_their_own(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        names = [rule.name for rule in rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"several rules are named {', '.join(twice)}: give each a name of its own")
        return rules

    @field_validator("release")
    @classmethod
    def _name_records(cls, release: tuple[str, ...]) -> tuple[str, ...]:
        for entry in release:
            if not is_release(entry):
                raise ValueError(
                    f"'{entry}' is neither a lead record, such as mql:123, nor an e-mail address"
                )
        return release

    def scoring(self) -> Policy:
        """The policy without the points that contact_checks takes back: free_mail that does not score down gives none."""
        if self.contact_checks.free_mail == "score_down":
            return self
        kept = (rule for rule in self.rules if (rule.group, rule.when.feature) != ("contact", "is_free_mail"))
        return self.model_copy(update={"rules": tuple(kept)})

    @property
    def version(self) -> str:
        """First 12 hex digits of the SHA-256 of the policy as canonical JSON: equal settings, equal version."""
        content = self.model_dump(mode="json", by_alias=True)
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def named_list(self, name: str) -> tuple[str, ...]:
        """The values of a list that op in_list names, one of LIST_NAMES."""
        section, key = name.split(".")
        values: tuple[str, ...] = getattr(getattr(self, section), key)
        return values


def load_policy(path: Path | None) -> Policy:
    """The policy in the file, or the default policy for None.

    Raises:
        ConfigError: the file, or one that it names, cannot be read, or a setting is wrong; the message names each line.
    """
    if path is None:
        return Policy()
    document = read_yaml(path)
    policy = validate(Policy, document)
    refuse_missing_files(policy.enrichment, document)
    return policy.model_copy(
        update={
            "sensitive_words": with_files(policy.sensitive_words, document),
            "companies": with_alias_files(policy.companies, document),
        }
    )
