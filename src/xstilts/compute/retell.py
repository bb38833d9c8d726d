"""What of a row is translated, and how the row is put together again from the translations.

Translation models know sentences, so texts are translated sentence by sentence. The answer to a question is
translated by itself and then looked for in the translations of the sentences that hold it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from xstilts.data.examples import Answer, Choice, Example, Pair, Question

EMPTY, NOT_FOUND = "empty translation", "answer not found"
"""Why a row is dropped."""

_BREAK = re.compile(r"""(?<=[.!?…。！？।])["'”’»)\]]*(?:\s+|(?<=[。！？]))(?=\S)""")
_ABBREVIATION = re.compile(r"(?:^|[\s(\"'“])(?:[A-Z][a-z]{0,3}|(?:[A-Za-z]\.)*[A-Za-z])\.$")
_STOPS = ".。।!！?？"


@dataclass(frozen=True)
class Telling:
    """The translation of each sentence, and what stands between two of them in the new language."""

    sentences: Mapping[str, str]
    joint: str = " "


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end; none if it is blank.

    A full stop ends no sentence after a short word with a capital (`Dr.`, `St.`), after single letters
    (`U.S.`), nor before a small letter: rather two sentences in one than one in two.
    """
    found, start = list[tuple[int, int]](), len(text) - len(text.lstrip())
    for gap in _BREAK.finditer(text):
        before = text[start : gap.end()].rstrip()
        if text[gap.end()].islower() or _ABBREVIATION.search(before):
            continue
        found.append((start, start + len(before)))
        start = gap.end()
    end = len(text.rstrip())
    return [*found, (start, end)] if start < end else found


def told(example: Example) -> Iterator[str]:
    """All that must be translated for a row: its sentences and its answers."""
    match example:
        case Pair():
            texts: Sequence[str] = (example.text, example.text2 or "")
        case Choice():
            texts = (example.context, *example.options)
        case Question():
            texts = (example.context, example.question)
            yield from (answer.text for answer in example.answers)
        case _:
            raise AssertionError("only rows of translated.FAMILIES are translated")
    for text in texts:
        yield from (text[start:end] for start, end in sentences(text))


def retold(example: Example, telling: Telling) -> Example | str:
    """The row in the new language with its label or answer; or why it is dropped: EMPTY or NOT_FOUND."""
    match example:
        case Pair():
            text2 = None if example.text2 is None else _text(example.text2, telling)
            pair = replace(example, text=_text(example.text, telling), text2=text2)
            lost = _lost(example.text, pair.text) or _lost(example.text2, text2)
            return EMPTY if lost else pair
        case Choice():
            options = tuple(_text(option, telling) for option in example.options)
            choice = replace(example, context=_text(example.context, telling), options=options)
            lost = _lost(example.context, choice.context) or any(map(_lost, example.options, options))
            return EMPTY if lost else choice
        case Question():
            return _question(example, telling)
        case _:
            raise AssertionError("only rows of translated.FAMILIES are translated")


def _lost(old: str | None, new: str | None) -> bool:
    return bool(old and old.strip()) and not (new and new.strip())


def _text(text: str, telling: Telling) -> str:
    parts = (telling.sentences[text[start:end]].strip() for start, end in sentences(text))
    return telling.joint.join(part for part in parts if part)


def _question(example: Question, telling: Telling) -> Question | str:
    context, asked = _text(example.context, telling), _text(example.question, telling)
    if _lost(example.context, context) or _lost(example.question, asked):
        return EMPTY
    found = [_answer(example.context, answer, telling) for answer in example.answers]
    answers = tuple(
        Answer(context[start:end], start) for start, end in (place for place in found if place is not None)
    )
    if example.answers and not answers:
        return NOT_FOUND
    return Question(context, asked, answers, example.id)


def _answer(context: str, answer: Answer, telling: Telling) -> tuple[int, int] | None:
    """Where the answer stands in the translated context: as it is, else whatever its capitals.

    Of several places in the sentences that hold it, the one nearest to where it stands in the original.
    """
    wanted = telling.sentences[answer.text].strip()
    if not answer.text.rstrip().endswith(tuple(_STOPS)):
        wanted = wanted.rstrip(_STOPS)
    old, new = sentences(context), list[tuple[int, int]]()
    at = 0
    for start, end in old:
        length = len(telling.sentences[context[start:end]].strip())
        new.append((at, at + length))
        at += length + (len(telling.joint) if length else 0)
    held = [
        row
        for row, (start, end) in enumerate(old)
        if start < answer.start + len(answer.text) and answer.start < end
    ]
    if not held or not wanted:
        return None
    before, told_before = old[held[0]][0], new[held[0]][0]
    share = (answer.start - before) / (old[held[-1]][1] - before)
    region = _text(context, telling)[told_before : new[held[-1]][1]]
    for flags in (0, re.IGNORECASE):
        places = [match.start() for match in re.finditer(re.escape(wanted), region, flags)]
        if places:
            best = min(places, key=lambda place: abs(place - share * len(region)))
            return told_before + best, told_before + best + len(wanted)
    return None
