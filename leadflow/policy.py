"""The scoring policy: every number of policy.yaml that a team may set, typed, checked and hashed.

Belongs here: what the settings are, their defaults and which combinations make no sense. Does not belong here:
what is done with them (scoring/), where leadflow finds its files (settings.py).

The defaults are the field's common ones; templates/policy.yaml repeats them with comments.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from leadflow.band_policy import DEFAULT_MATRIX, Grades, Levels, Matrix, Tiers
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
from leadflow.default_rules import DEFAULT_RULES, TECHNOLOGY
from leadflow.enrichment_policy import Enrichment, refuse_missing_files
from leadflow.gains_policy import Gains
from leadflow.icp_policy import IdealCustomer
from leadflow.leakage_policy import Leakage
from leadflow.matching_policy import Matching
from leadflow.reasons_policy import Reasons
from leadflow.revenue_policy import Revenue
from leadflow.rule_conflicts import refuse_contradictions
from leadflow.rule_policy import (
    GROUPS,
    LIST_NAMES,
    Caps,
    Condition,
    Count,
    Days,
    EventClasses,
    Gate,
    Group,
    Percent,
    Rule,
    Section,
    Sentence,
)
from leadflow.survivorship_policy import Duplicates, Survivorship

__all__ = [
    "DEFAULT_RULES",
    "GROUPS",
    "LIST_NAMES",
    "TECHNOLOGY",
    "Blend",
    "Condition",
    "Gate",
    "Group",
    "Policy",
    "Publish",
    "Rule",
    "Tiers",
    "Training",
    "load_policy",
]

Flag = Annotated[bool, Field(strict=True)]


class Blend(Section):
    """How far the model may outweigh the rules.

    Attributes:
        model_weight: the model's share of the score once it has seen enough wins, 0 to 1.
        wins_for_full_weight: won leads in training from which it gets that share; fewer give it less, in proportion.
    """

    model_weight: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.7
    wins_for_full_weight: Count = 120


class Training(Section):
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
        candidates: families of models that compete: logistic, forest, boosting.
        trees_from_wins: won leads from which forest and boosting compete, too; fewer would be learned by heart.
        race_examples: examples that each candidate is fitted on while they compete; the chosen one is fitted on all.
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
    candidates: tuple[Literal["logistic", "forest", "boosting"], ...] = ("logistic", "forest", "boosting")
    trees_from_wins: Count = 120
    race_examples: Annotated[int, Field(strict=True, ge=1000)] = 10_000

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


class Publish(Section):
    """What leaves the warehouse.

    Attributes:
        mask_pii: mask names, e-mail addresses and phones in the published mart.
    """

    mask_pii: Flag = True


class Policy(Section):
    """All of policy.yaml; a setting that is left out has its default.

    Attributes:
        event_classes: points that rules give by class instead of a number of their own.
        rules: points for one observable fact about a lead each; a fact counts once unless its rule says how often.
        caps: bounds of what a group's points, and all together, come to.
        gates: facts that hold the score down whatever the points.
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
        matrix: priority of each fit grade and engagement level.
        tiers: HOT, WARM and COLD by the score.
        maturity_pass_mark: rule_score, 0 to 100, from which a lead is mature enough to be handed to sales.
        blend: how far the model may outweigh the rules.
        training: how the model learns from past leads.
        revenue: when a contract's value is predicted.
        leakage: which features are kept from the model as outcomes in disguise.
        reasons: what is told of why a lead has its score.
        gains: what calling costs and a win is worth.
        publish: what leaves the warehouse.
    """

    event_classes: EventClasses = EventClasses()
    rules: tuple[Rule, ...] = DEFAULT_RULES
    caps: Caps = Caps()
    gates: tuple[Gate, ...] = ()
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
    matrix: Matrix = DEFAULT_MATRIX
    tiers: Tiers = Tiers()
    maturity_pass_mark: Percent = 50.0
    blend: Blend = Blend()
    training: Training = Training()
    revenue: Revenue = Revenue()
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

    @field_validator("gates")
    @classmethod
    def _are_told_apart(cls, gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
        names = [gate.name for gate in gates]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"several gates are named {', '.join(twice)}: give each a name of its own")
        return gates

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

    def points_of(self, rule: Rule) -> float:
        """What a rule gives, its class taken as the points of event_classes."""
        if rule.points is not None:
            return rule.points
        points: float = getattr(self.event_classes, rule.event_class or "weak")
        return points

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
    refuse_contradictions(policy, document)
    refuse_missing_files(policy.enrichment, document)
    return policy.model_copy(
        update={
            "sensitive_words": with_files(policy.sensitive_words, document),
            "companies": with_alias_files(policy.companies, document),
        }
    )
