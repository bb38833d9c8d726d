"""Exact match and token F1 of answers: SQuAD 1.1 (XQuAD, TyDiQA), SQuAD 2.0 and MLQA.

The three differ in how they normalise an answer and in what they do when nothing is left of it. Each number
is the best over the gold answers, exact match and F1 independently. SQuAD's English rules hold for every
language, as in XTREME; MLQA has its own for each of its seven.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from xstilts.data.examples import Answer
from xstilts.errors import PredictionError
from xstilts.metrics.metric import Metric, Numbers, check_counts, ratio, with_ones

Compare = Callable[[str, str], float]

_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ENGLISH_ARTICLES = re.compile(r"\b(a|an|the)\b")
_MLQA_ARTICLES = {
    "ar": re.compile("ال"),  # anywhere in a word; the official pattern's other alternative never matches
    "de": re.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "en": _ENGLISH_ARTICLES,
    "es": re.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "hi": None,
    "vi": re.compile(r"\b(của|là|cái|chiếc|những)\b"),
    "zh": None,
}
KNOWN = 2**15  # texts that are kept: whoever exchanges answers at random compares the same ones again
_HAN = re.compile("([\u4e00-\u9fa5])")


@lru_cache(maxsize=KNOWN)
def normalise_squad(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single spaces (SQuAD 1.1 and 2.0)."""
    bare = text.lower().translate(_ASCII_PUNCTUATION)
    return " ".join(_ENGLISH_ARTICLES.sub(" ", bare).split())


@lru_cache(maxsize=KNOWN)
def normalise_mlqa(text: str, language: str) -> str:
    """Lower case, no Unicode punctuation, no articles of the language; Han characters stand alone in Chinese.

    Raises PredictionError for a language that MLQA does not have.
    """
    if language not in _MLQA_ARTICLES:
        what = f"has no rules for language '{language}'; it knows {', '.join(_MLQA_ARTICLES)}."
        raise PredictionError("MLQA's normalisation", what)
    letters = (letter for letter in text.lower() if letter not in string.punctuation)
    bare = "".join(letter for letter in letters if not unicodedata.category(letter).startswith("P"))
    articles = _MLQA_ARTICLES[language]
    bare = bare if articles is None else articles.sub(" ", bare)
    return " ".join((_HAN.sub(r" \1 ", bare) if language == "zh" else bare).split())


def _exact(gold: str, predicted: str) -> float:
    return float(gold == predicted)


def _f1(gold: str, predicted: str) -> float:
    """Token F1 of normalised strings: 0 where they share no token, also where both are empty."""
    gold_tokens, predicted_tokens = _tokens(gold), _tokens(predicted)
    if gold_tokens.keys().isdisjoint(predicted_tokens):
        return 0.0
    common = (gold_tokens & predicted_tokens).total()
    return 2.0 * common / (gold_tokens.total() + predicted_tokens.total())


@lru_cache(maxsize=KNOWN)
def _tokens(text: str) -> Counter[str]:
    return Counter(text.split())


def _f1_or_both_empty(gold: str, predicted: str) -> float:
    """SQuAD 2.0's token F1: 1 where both are empty."""
    return _f1(gold, predicted) if gold and predicted else _exact(gold, predicted)


def _statistics(
    gold: Sequence[Sequence[Answer]],
    predicted: Sequence[str | None],
    language: str,
    *,
    rules: str,
    compare: Compare,
) -> Numbers:
    """(best agreement with a gold answer, 1) of each question; a question left out (None) counts 0."""
    check_counts(rules, gold, predicted)
    normalise = partial(normalise_mlqa, language=language) if rules == "mlqa" else normalise_squad
    scores = []
    for number, (answers, answer) in enumerate(zip(gold, predicted, strict=True)):
        golds = [right for right in answers if rules != "squad2" or normalise(right.text)]
        if rules == "squad2" and not golds:
            golds = [Answer("", 0)]
        if answer is None:
            scores.append(0.0)
        elif golds:
            given = normalise(answer)
            scores.append(max(compare(normalise(right.text), given) for right in golds))
        else:
            what = f"question {number} has no gold answer."
            raise PredictionError(f"metric '{rules}'", what, "Score unanswerable questions with 'squad2_f1'.")
    return with_ones(scores)


ANSWERS = tuple(
    Metric(f"{rules}_{measure}", partial(_statistics, rules=rules, compare=compare), ratio)
    for rules, f1 in (("squad", _f1), ("squad2", _f1_or_both_empty), ("mlqa", _f1))
    for measure, compare in (("f1", f1), ("em", _exact))
)
"""squad_f1, squad_em, squad2_f1, squad2_em, mlqa_f1, mlqa_em."""
