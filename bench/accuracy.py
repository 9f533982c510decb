"""How well leadflow matches and cleans, beside simple ways: `python -m bench.accuracy`.

Belongs here: the company name sets, their baselines, and docs/accuracy.md. Does not belong here: speed (run.py), persons (persons.py),
a simulated company (simulated.py, accounts.py).

Reads company_pairs/, company_names_zh/ and the people_ sets from the folder named by LEADFLOW_TEST_DATA. Everything is counted in the same run; nothing
is fitted on the pairs it is measured on, but for the one baseline that says so (by cross-validation).
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bench.persons import report_lines
from bench.scores import Score
from bench.simulated import simulated_lines
from leadflow.errors import LeadflowError
from leadflow.text.chinese_companies import read_chinese_company
from leadflow.text.companies import company_key
from leadflow.text.company_matching import SAME_COMPANY, compare_companies

REPORT = Path(__file__).parent.parent / "docs" / "accuracy.md"
HARDEST = 20
"""Wrong brands tried with each full name: those that share most characters with it."""
SHOWN = 10


@dataclass(frozen=True)
class Pair:
    """Two names, whether they are of one company, and whether in the half whose errors were looked at."""

    one: str
    other: str
    is_same: bool
    is_looked_at: bool


def _is_looked_at(text: str) -> bool:
    return sha256(text.encode()).digest()[0] % 2 == 0


Decide = Callable[[str, str], bool]


def leadflow_decides(one: str, other: str) -> bool:
    """leadflow's comparison at its own threshold."""
    return compare_companies(one, other).score >= SAME_COMPANY


def data_folder() -> Path:
    """The folder of real data; LeadflowError where LEADFLOW_TEST_DATA names none."""
    folder = Path(os.environ.get("LEADFLOW_TEST_DATA", ""))
    if not os.environ.get("LEADFLOW_TEST_DATA") or not (folder / "company_pairs").is_dir():
        raise LeadflowError(
            "LEADFLOW_TEST_DATA names no folder with company_pairs/ and company_names_zh/",
            "set it to where they are",
        )
    return folder


def supplier_pairs(folder: Path) -> list[Pair]:
    """200 labelled pairs of supplier names, half of them of one company."""
    with (folder / "company_pairs" / "test_data.csv").open(encoding="utf-8", newline="") as lines:
        rows = [(row["Name_x"], row["Name_y"], row["Targets"] == "1") for row in csv.DictReader(lines)]
    return [Pair(one, other, is_same, _is_looked_at(one + other)) for one, other, is_same in rows]


def brand_pairs(folder: Path) -> list[Pair]:
    """Chinese full names with their brand, and with the hardest wrong brands. Names without a brand have wrong ones alone."""
    text = (folder / "company_names_zh" / "full_name_brand.txt").read_text(encoding="utf-8")
    named = [line.split() for line in text.splitlines() if line.split()]
    brands = sorted({words[1] for words in named if len(words) == 2})
    pairs = []
    for full, *brand in named:
        pairs += [Pair(full, right, True, _is_looked_at(full)) for right in brand]
        wrong = [other for other in brands if [other] != brand]
        wrong.sort(
            key=lambda other: (
                -len(set(other) & set(full)),
                -len(set(other) & set(full)) / len(set(other)),
                other,
            )
        )
        pairs += [Pair(full, other, False, _is_looked_at(full)) for other in wrong[:HARDEST]]
    return pairs


def scored(pairs: Sequence[Pair], decide: Decide) -> Score:
    """Pairs decided by one rule, counted."""
    decided = [(decide(pair.one, pair.other), pair.is_same) for pair in pairs]
    return Score(decided.count((True, True)), decided.count((True, False)), decided.count((False, True)))


def token_set_by_cross_validation(pairs: Sequence[Pair], folds: int = 5) -> Score:
    """rapidfuzz's token_set_ratio, the threshold for each fifth chosen for best F1 on the other four."""
    from rapidfuzz.fuzz import token_set_ratio

    ratios = [token_set_ratio(pair.one.lower(), pair.other.lower()) for pair in pairs]
    right = wrong = missed = 0
    for fold in range(folds):
        train = [at for at in range(len(pairs)) if at % folds != fold]
        best = max(range(50, 101), key=lambda limit: _counted(pairs, ratios, train, limit).f1)
        found = _counted(pairs, ratios, [at for at in range(len(pairs)) if at % folds == fold], best)
        right, wrong, missed = right + found.right, wrong + found.wrong, missed + found.missed
    return Score(right, wrong, missed)


def _counted(pairs: Sequence[Pair], ratios: Sequence[float], rows: Sequence[int], limit: float) -> Score:
    decided = [(ratios[at] >= limit, pairs[at].is_same) for at in rows]
    return Score(decided.count((True, True)), decided.count((True, False)), decided.count((False, True)))


def same_lower_case(one: str, other: str) -> bool:
    """Equal in lower case."""
    return one.lower().strip() == other.lower().strip()


def same_by_cleanco(one: str, other: str) -> bool:
    """Equal in lower case without punctuation after cleanco has taken the legal forms off, twice, as its manual advises."""
    from cleanco import basename

    first, second = (re.sub(r"\W+", " ", basename(basename(name.lower()))).strip() for name in (one, other))
    return first == second


def same_core(full: str, brand: str) -> bool:
    """Equal after place, trades and legal form are taken off the full name."""
    read = read_chinese_company(full)
    return read is not None and read.core == brand


def is_partial(full: str, brand: str) -> bool:
    """rapidfuzz's partial_ratio of 100: the brand stands somewhere in the full name."""
    from rapidfuzz.fuzz import partial_ratio

    return partial_ratio(full, brand) == 100


def _table(rows: Sequence[tuple[str, Score]]) -> list[str]:
    return [
        "| way | F1 | precision | recall | right | wrong | missed |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {score.f1:.3f} | {score.precision:.3f} | {score.recall:.3f} | {score.right} | {score.wrong} | {score.missed} |"
            for name, score in rows
        ),
        "",
    ]


def _errors(pairs: Sequence[Pair]) -> list[str]:
    """The first errors of each kind, with the comparison's own reasons."""
    lines = []
    for is_same, title in (
        (False, "Taken for one company, labelled two"),
        (True, "Taken for two, labelled one"),
    ):
        found = [
            pair
            for pair in pairs
            if pair.is_same == is_same and leadflow_decides(pair.one, pair.other) != is_same
        ]
        lines += [f"{title} ({len(found)}):", ""]
        for pair in found[:SHOWN]:
            comparison = compare_companies(pair.one, pair.other)
            lines.append(
                f"- {pair.one} · {pair.other} ({comparison.score:.2f}: {'; '.join(comparison.reasons)})"
            )
        lines += ["- none"] * (not found) + [""]
    return lines


def _halves(pairs: Sequence[Pair]) -> list[tuple[str, Score]]:
    return [
        ("leadflow", scored(pairs, leadflow_decides)),
        (
            "leadflow, half whose errors were looked at",
            scored([pair for pair in pairs if pair.is_looked_at], leadflow_decides),
        ),
        (
            "leadflow, the other half",
            scored([pair for pair in pairs if not pair.is_looked_at], leadflow_decides),
        ),
    ]


def report(folder: Path) -> tuple[str, list[str]]:
    """docs/accuracy.md for the data in a folder and a simulated company, and the errors for the terminal alone."""
    suppliers, brands = supplier_pairs(folder), brand_pairs(folder)
    persons, wrong_persons = report_lines(folder)
    equal = sum(company_key(pair.one) == company_key(pair.other) and not pair.is_same for pair in suppliers)
    lines = [
        "# How well leadflow matches and cleans", "",
        "Written by `LEADFLOW_TEST_DATA=FOLDER make accuracy`; baselines and leadflow in the same run. Company names: the threshold is "
        f"{SAME_COMPANY}, where the comparison holds one company for as likely as two. It and the scores were set by judgement, not "
        "fitted. Of each set, rules and word lists were mended after looking at the errors of one half (by a hash of the pair); nothing was mended for an error of the other.", "",
        "## Supplier names, worldwide", "",
        f"`company_pairs/test_data.csv`, {len(suppliers)} pairs. {equal} of the pairs labelled as two companies have equal names but for case and punctuation, so "
        "that nothing that goes by names can be right on all. A site and its parent count as two there, mostly; leadflow leaves such "
        "pairs below the threshold, at 0.40 to 0.45.", "",
        *_table([
            *_halves(suppliers),
            ("equal in lower case", scored(suppliers, same_lower_case)),
            ("equal after cleanco", scored(suppliers, same_by_cleanco)),
            ("token_set_ratio, threshold by cross-validation on these pairs", token_set_by_cross_validation(suppliers)),
        ]),
        "",
        "## Chinese full names and brands", "",
        f"`company_names_zh/full_name_brand.txt`: {sum(pair.is_same for pair in brands)} full names with their brand, and every full name "
        f"with the {HARDEST} wrong brands that share most characters with it. Full names without a brand have wrong ones alone.", "",
        *_table([
            *_halves(brands),
            ("place, trades and legal form off, then equal", scored(brands, same_core)),
            ("the brand stands in the full name (partial_ratio)", scored(brands, is_partial)),
        ]),
        "",
        *persons,
        *simulated_lines(),
    ]  # fmt: skip
    # On the terminal alone: the names are the data sets', not leadflow's.
    told = [line for pairs in (suppliers, brands) for line in _errors(pairs)] + wrong_persons
    return "\n".join(lines).rstrip() + "\n", told


def main() -> None:
    """Measure, and write docs/accuracy.md."""
    folder = data_folder()
    text, errors = report(folder)
    REPORT.write_text(text, encoding="utf-8")
    print("\n".join(line for line in text.splitlines() if line.startswith(("|", "##"))))
    print("\n".join(errors))
    print(f"Written: {REPORT}")


if __name__ == "__main__":
    main()
