"""Job titles: how senior a person is, in English and Chinese.

Belongs here: the band a title stands for. Does not belong here: what a band is worth (policy.yaml).

Whole words decide ('director' holds the letters of 'cto' and is none), and of several bands the highest. Titles in
other languages count as 'individual' unless they hold an English or Chinese word for a rank.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

from leadflow.text.values import is_absent, tidy, word_set

Seniority = Literal["c_level", "director", "manager", "individual"]

SENIORITIES: tuple[Seniority, ...] = ("c_level", "director", "manager", "individual")  # highest first

_C_LEVEL = word_set(
    "ceo cto cfo coo cmo cio ciso cso cpo cro chro cdo cco clo cxo founder cofounder chairman chairwoman chairperson"
)
# 'President' is here and not C-level: as often as the head of a company it is the head of a region or division, and
# presidents who head the company mostly say so ('President & CEO'). So is 'managing director', by its last word.
_DIRECTOR = word_set("director directors dir head vice vp svp evp avp rvp gvp president")
_MANAGER = word_set("manager managers mgr gm supervisor superintendent")

# 'Owner' heads a company only when nothing else is owned: a product owner does not.
_OWNERS_OF = word_set("business company co agency firm shop store restaurant franchise small")
# 'Partner' is a rank in a partnership; a business partner or channel partner is not one.
_PARTNERS = word_set("managing senior general founding equity executive associate audit tax advisory")
_ASSISTANTS = word_set("assistant secretary")

# Read as one word before the title is split: '&' and 'and' may stand inside, as in 'chief revenue & growth officer'.
_CHIEF_OFFICER = re.compile(r"\bchief (?:executive\b|(?:(?!of\b|to\b)[a-z&-]+ )*?officer\b)")
_PARTS = re.compile(r"[,;/|&+()\n]|\band\b|\s[-–—]\s")
_DOTTED_LETTERS = re.compile(r"(?<![a-z])[a-z](?:\.[a-z])+\.?(?![a-z])")
# What follows names someone else: 'assistant to the CEO', 'director, office of the CFO'.
_SOMEONE_ELSE = re.compile(r"\b(?:to|office of|assistant (?:of|for))\b.*|\b[a-z]+ office\b")

_ZH_C_LEVEL = re.compile(
    "总裁|總裁|总经理|總經理|董事长|董事長|董事局主席|创始人|創始人|首席[^兼,/、 ]*[官長]"
)
_ZH_DIRECTOR = re.compile("总监|總監|首席|董事|合伙人|合夥人|负责人|負責人|总工")
_ZH_MANAGER = re.compile("经理|經理|主管|主任|部长|部長|店长|组长")
_ZH_DEPUTY = re.compile("副(?:总裁|總裁|总经理|總經理|董事长|董事長|总(?!监)|總(?!監))|助理总裁")
_ZH_BOARD_SECRETARY = re.compile("董事会秘书|董秘")
_ZH_ASSISTANT = re.compile("[^,/、兼]*(?:助理|秘书|秘書)(?!总裁)")


def seniority(title: str | None) -> Seniority | None:
    """The band of a job title; None where there is no title.

    - c_level: chief ... officer and the like (CEO, 首席...官), founder, owner of the company, chairman, 董事长, 总裁,
      总经理 (who heads a Chinese company).
    - director: director and above but not C-level: director, head, any vice president, president, partner, other
      'chief ...', 总监, 副总裁, 副总经理, 首席..., 董事, 合伙人, 负责人.
    - manager: manager of anything (a general or product manager too), supervisor, team lead, 经理, 主管, 主任.
    - individual: every other title, assistants of anyone (总经理助理) among them.
    """
    if title is None or is_absent(title):
        return None
    text = tidy(title).lower()
    if not any(letter.isalpha() for letter in text):
        return None
    if _ZH_BOARD_SECRETARY.search(text):  # an officer of a listed company, unlike every other secretary
        return "director"
    text = _CHIEF_OFFICER.sub("cxo", _ZH_ASSISTANT.sub(" ", text))
    found = {_english_band(part) for part in _PARTS.split(text)} | {_chinese_band(text)}
    return next(band for band in SENIORITIES if band in found)


def _english_band(part: str) -> Seniority:
    part = _DOTTED_LETTERS.sub(lambda letters: letters[0].replace(".", ""), part)
    words = re.findall(r"[a-z]+", _SOMEONE_ELSE.sub(" ", part))
    if not words or words[-1] in _ASSISTANTS:
        return "individual"
    pairs = set(pairwise(words))
    if any(word in _C_LEVEL and ("vice", word) not in pairs for word in words):
        return "c_level"
    if _is_led_by(words, "owner", _OWNERS_OF):
        return "c_level"
    if _DIRECTOR & set(words) or "chief" in words or _is_led_by(words, "partner", _PARTNERS):
        return "director"
    if _MANAGER & set(words) or {("team", "lead"), ("team", "leader")} & pairs:
        return "manager"
    return "individual"


def _is_led_by(words: list[str], rank: str, kinds: frozenset[str]) -> bool:
    """Whether a part names a rank for itself ('partner', 'partner at ...') or after a word that says which kind."""
    if rank not in words:
        return False
    at = words.index(rank)
    before, after = words[max(at - 1, 0) : at], words[at + 1 : at + 2]
    return (not before or before[0] in kinds) and (not after or after[0] in {"at", "of"})


def _chinese_band(text: str) -> Seniority:
    without_deputies = _ZH_DEPUTY.sub(" ", text)
    if _ZH_C_LEVEL.search(without_deputies):
        return "c_level"
    if _ZH_DIRECTOR.search(without_deputies) or without_deputies != text:
        return "director"
    return "manager" if _ZH_MANAGER.search(text) else "individual"
