"""Company names: one key for the spellings of one company.

Belongs here: what can be told from the name alone. Does not belong here: comparing names that differ in more than
spelling, legal form and punctuation, or looking companies up.

Legal forms: the forms that ISO 20275 (entity legal forms) lists for the economies most leads come from, as they are
abbreviated in names; written here without punctuation, since the key has none.
"""

from __future__ import annotations

import re
from functools import lru_cache

from leadflow.text.scripts import fold_latin, simplified
from leadflow.text.values import is_absent, tidy, word_set

# At the end of a name, longest first where one holds another. Words such as 'group' or 'holdings' stay: two
# companies may differ in nothing else.
FORMS_AT_END = frozenset(
    tuple(form.split())
    for form in """
    inc|incorporated|corp|corporation|co|company|company limited|ltd|limited|llc|llp|lllp|plc|lp|pllc|pbc|ulc
    private limited|private ltd|pvt ltd|pvt limited|pvt|pty ltd|pty limited|pty|pl|pte ltd|pte limited|pte|proprietary limited
    public limited company|unlimited company|dac|clg|cyf|cic|ltee|limitee|cc|npc
    gmbh|ggmbh|gesellschaft mbh|ges mbh|gesmbh|mbh|ug|ug haftungsbeschrankt|ag|kg|kgaa|ohg|gbr|ev|eg|ek|se|sce
    sa|sas|sasu|sarl|sa rl|eurl|snc|sca|scs|scop|sci|selarl|gie|spa|srl|srls|sapa|scrl|scarl|soc coop|soc coop agr
    sl|slu|slne|sll|sau|sa de cv|s de rl de cv|s de rl|sapi de cv|sab de cv|cv|ltda|limitada|lda|eireli|cia|sac|saa|eirl
    spol s ro|spol sro|sro|as|ks|vos|sp zoo|sp z oo|spolka z oo|sp k|spk|sp j|doo|ood|eood|ead|kft|zrt|nyrt
    oy|oyj|ab|aktiebolag|hb|kb|aps|asa|ans|ivs|hf|ehf|nv|bv|bvba|vof|cvba|vzw|asbl|uab|mb|sia|ou|osauhing
    ooo|oao|zao|pao|tov|ооо|оао|зао|пао|ао|ип|тов|еоод|оод|ae|epe|ike|αε|επε|ικε
    as ve tic|ltd sti|lt|lt sti|sti|san ve tic|tic ve san|sanayi ve ticaret|ticaret ve sanayi|san tic|anonim sirketi|limited sirketi
    sdn bhd|bhd|berhad|tbk|persero|pcl|jsc|ojsc|cjsc|pjsc|fzco|fze|fz llc|fzllc|dmcc|wll|psc|saoc|saog|qsc|kk
    kabushiki kaisha|godo kaisha|yugen kaisha|p ltd|p limited
    aktiengesellschaft|gesellschaft mit beschrankter haftung|kommanditgesellschaft|offene handelsgesellschaft|eingetragener verein
    besloten vennootschap|naamloze vennootschap|societe anonyme|societe par actions simplifiee|societe a responsabilite limitee|societe
    sociedad anonima|sociedad limitada|sociedade limitada|sociedade anonima|societa per azioni|societa a responsabilita limitata
    aktieselskab|anpartsselskab|aksjeselskap|osakeyhtio
    """.replace("\n", "|").split("|")
    if form.strip()
)
_LONGEST_FORM = max(len(form) for form in FORMS_AT_END)

# Some languages put the form first: Indonesia, Russia and Ukraine, Scandinavia.
FORMS_AT_START = frozenset(
    {"the", "pt", "ooo", "oao", "zao", "pao", "ооо", "оао", "зао", "пао", "ао", "тов", "ab"}
)

# Legal forms that are also the whole name of well-known companies.
FORMS_AND_NAMES = frozenset({"sas"})

# Chinese, Japanese and Korean names are written without spaces; NFKC has already made '(株)' of '㈱'.
_CJK_FORMS = word_set(
    "股份有限责任公司 股份有限公司 股份责任有限公司 有限责任公司 集团有限公司 有限公司 股份公司 责任公司 总公司 控股集团 集团控股 控股 集团 "
    "股份有限責任公司 股份有限公司 有限責任公司 總公司 控股集團 集團 "
    "普通合伙企业 有限合伙企业 合伙企业 有限合伙 普通合伙 特殊普通合伙 个人独资企业 "
    "株式会社 有限会社 合同会社 合資会社 合名会社 株式會社 一般社団法人 주식회사 유한회사 유한책임회사"
)
# 公司 alone is 'company', but 分公司, 子公司 and 支公司 are branches and stay.
_CJK_END = re.compile(f"(?:{'|'.join(sorted(_CJK_FORMS, key=len, reverse=True))}|(?<![分子支])公司)$")
_CJK_START = re.compile("^(?:株式会社|有限会社|合同会社|株式會社|주식회사|유한회사)")
_CJK_BRACKETED = re.compile(r"\((?:株|有|同|주|유|集团|集團|控股|股份|有限合伙|普通合伙|特殊普通合伙)\)")

# Said where a company is asked for and there is none to name.
NO_COMPANY = frozenset(
    {
        "the", "self", "self employed", "selfemployed", "freelance", "freelancer", "individual", "personal", "private", "student",
        "retired", "unemployed", "no company", "my company", "your company", "company name", "test", "na", "none", "unknown",
        "个人", "個人", "自由职业", "学生", "待业", "测试", "我的公司", "没有公司", "无公司", "某",
    }
)  # fmt: skip

LONGEST_NAME = 1_000  # characters; a page pasted into the field is no name, and would cost seconds

_DOTTED_LETTERS = re.compile(r"(?<!\w)\w(?:\.\w)+\.?(?!\w)")
_APOSTROPHES = re.compile(r"['’`´ʼ]")
_NOT_WORD = re.compile(r"[\W_]+")
_SLASHED_FORM = re.compile(r"(?<!\w)(a/s|p/l|k/s|i/s|s/a|a/b)(?!\w)")
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_LATIN_FORM_AFTER_CJK = re.compile(f"(?<=[{_CJK}])(?=(?:co|ltd|inc|llc|corp|company|limited)\\b)")
_SPACE_IN_CJK = re.compile(f"(?<=[{_CJK}]) (?=[{_CJK}])")


def company_key(name: str | None) -> str | None:
    """One key for the spellings of one company: 'ACME Co., Ltd.', 'Acme' and 'The Acme Company' give 'acme'.

    NFKC and case folded, Latin letters without accents, Chinese characters simplified, '&' read as 'and', punctuation gone, legal forms taken off
    (in Latin, Greek and Cyrillic letters, Chinese, Japanese and Korean; also 集团, which Chinese names carry like a
    form), single letters joined ('J. P.' and 'JP'). None where there is no name: absent markers, a legal form
    alone, 'self-employed' and the like, or no letter or digit at all. Idempotent. Places and branches stay: a site
    is not its parent.
    """
    return None if name is None or len(name) > LONGEST_NAME else _key(name)


@lru_cache(maxsize=500_000)  # a million lead records name some two hundred thousand companies
def _key(name: str) -> str | None:
    if is_absent(name):
        return None
    key = _fold(name)
    while (shorter := _without_forms(key)) != key:
        key = shorter
    return None if not key or key in NO_COMPANY else key


def _fold(name: str) -> str:
    """Letters and digits in one spelling, words separated by one space."""
    text = tidy(name).casefold()
    text = _CJK_BRACKETED.sub(" ", tidy(text))  # folding may leave a form that NFKC changes once more
    text = simplified(fold_latin(text))
    text = _LATIN_FORM_AFTER_CJK.sub(" ", text)  # '启晟软件Co., Ltd.'
    text = _SLASHED_FORM.sub(lambda form: form[0].replace("/", ""), text)
    text = _DOTTED_LETTERS.sub(lambda letters: letters[0].replace(".", ""), text)
    text = _APOSTROPHES.sub("", text).replace("&", " and ")
    return _SPACE_IN_CJK.sub("", " ".join(_join_single_letters(_NOT_WORD.sub(" ", text).split())))


def _join_single_letters(words: list[str]) -> list[str]:
    joined: list[str] = []
    run = ""
    for word in [*words, ""]:
        if len(word) == 1 and word.isascii() and word.isalpha():
            run += word
            continue
        if run:
            joined.append(run)
            run = ""
        if word:
            joined.append(word)
    return joined


def _without_forms(key: str) -> str:
    """The key less the legal form at its end and at its start; empty where it was nothing but a form."""
    words = key.split()
    for length in range(min(_LONGEST_FORM, len(words)), 0, -1):
        if tuple(words[-length:]) in FORMS_AT_END:
            if key in FORMS_AND_NAMES:
                return key
            words = words[:-length]
            while words and words[-1] == "and":  # the '&' of 'GmbH & Co. KG'
                words = words[:-1]
            return " ".join(words)
    if len(words) > 1 and words[0] in FORMS_AT_START:
        return " ".join(words[1:])
    return _CJK_START.sub("", _CJK_END.sub("", key)).strip()
