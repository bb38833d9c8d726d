"""The labelled data of the lab: parallel rows, exact labels, nothing to be had for free."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from xstilts import lab
from xstilts import tasks as registry
from xstilts.data.examples import Bitext, Choice, Example, Pair, Question, Tagged
from xstilts.lab import generation, pairs, questions
from xstilts.lab.choices import Chosen
from xstilts.lab.grammar import grammar, text
from xstilts.lab.inventory import COLOUR_OF, KIND_OF, LIKES, LIVES_IN, NEXT, USES
from xstilts.lab.meaning import Clause, Compound
from xstilts.lab.supertags import CATEGORIES
from xstilts.lab.tags import ENTITIES, PARTS_OF_SPEECH

CLASSIFIED = ("nli", "entail", "para")
TAGGED = {"pos": PARTS_OF_SPEECH, "ner": ENTITIES, "ccg": CATEGORIES}
CHOSEN = ("event", "common")
ASKED = ("qa", "qa2")
RETRIEVED = ("tatoeba", "bucc")
NAMES = (*CLASSIFIED, *TAGGED, *CHOSEN, *ASKED)


@cache
def rows(name: str, code: str = "x-en", split: str = "test", size: int = 120) -> tuple[Any, ...]:
    return tuple(lab.generate(name, code, split, size))


def meanings(name: str, split: str = "test", size: int = 120) -> Sequence[Any]:
    result = generation.meanings(name, split, size)
    assert not isinstance(result, generation.bitext.Mixed)
    return result


def texts(example: Example) -> list[str]:
    """All texts of an example, the inputs first."""
    match example:
        case Pair(text=one, text2=two):
            return [one, two or ""]
        case Tagged(tokens=tokens):
            return [" ".join(tokens)]
        case Choice(context=context, options=options):
            return [context, *options]
        case Question(context=context, question=question):
            return [context, question]
        case Bitext(source=source):
            return list(source)
    raise AssertionError(example)


@pytest.mark.parametrize("name", (*NAMES, *RETRIEVED))
def test_the_same_call_gives_the_same_rows_and_sizes_are_kept(name: str) -> None:
    one = lab.generate(name, "x-ra", "dev", 40)
    generation.meanings.cache_clear()
    assert one == lab.generate(name, "x-ra", "dev", 40)
    assert len(one) == (1 if name in RETRIEVED else 40)


@pytest.mark.parametrize("name", NAMES)
def test_a_longer_split_begins_with_a_shorter_one(name: str) -> None:
    assert rows(name, "x-en", "train", 30) == rows(name, "x-en", "train", 60)[:30]


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_parallel(name: str) -> None:
    """Row i has the same label and as many sentences in every language, in words of that language."""
    for code in lab.OTHERS:
        for one, other in zip(rows(name), rows(name, code), strict=True):
            assert one.id == other.id
            assert getattr(one, "label", None) == getattr(other, "label", None)
            for english, foreign in zip(texts(one), texts(other), strict=True):
                assert english.count(" .") == foreign.count(" .")
                assert not (set(english.split()) & set(foreign.split())) - set(".,?")


@pytest.mark.parametrize("name", NAMES)
def test_splits_have_different_meanings(name: str) -> None:
    train = {tuple(texts(row)) for row in rows(name, "x-en", "train", 1_000)}
    test = [tuple(texts(row)) for row in rows(name, "x-en", "test", 300)]
    if name == "common":  # there are not many facts; who meets whom differs
        assert sum(row in train for row in test) < 30
    else:
        assert sum(row in train for row in test) <= 6


@pytest.mark.parametrize("name", CLASSIFIED)
def test_labels_are_balanced(name: str) -> None:
    labels = Counter(row.label for row in rows(name, "x-en", "train", 900))
    assert tuple(sorted(labels)) == registry.find(f"lab_{name}").labels
    assert max(labels.values()) - min(labels.values()) < 0.04 * 900


@pytest.mark.parametrize(("name", "limit"), [("nli", 0.42), ("entail", 0.58), ("para", 0.58)])
def test_the_hypothesis_alone_says_little(name: str, limit: float) -> None:
    """Naive Bayes over words and pairs of words of the second text stays near the majority."""

    def traits(row: Pair) -> set[str]:
        assert row.text2 is not None
        words = row.text2.split()
        return {*words, *map(" ".join, pairwise(words))}

    counts: dict[str, Counter[str]] = {}
    totals: Counter[str] = Counter()
    for row in rows(name, "x-en", "train", 1_500):
        counts.setdefault(row.label, Counter()).update(traits(row))
        totals[row.label] += 1

    def score(row: Pair, label: str) -> float:
        known = counts[label]
        return sum(math.log((known[trait] + 0.5) / (totals[label] + 1)) for trait in sorted(traits(row)))

    test = rows(name, "x-en", "test", 600)
    right = sum(max(sorted(counts), key=lambda label: score(row, label)) == row.label for row in test)
    assert right / len(test) < limit


def test_entailment_has_the_time_on_the_other_side() -> None:
    for judged in meanings("entail"):
        assert judged.first.moved != judged.second.moved


def events(told: Compound) -> tuple[frozenset[tuple[Any, ...]], tuple[Any, ...] | None]:
    """What happens, and what happens first if that is said: a second reading of what paraphrases mean."""
    first, second = ((c.subject, c.verb, c.object, c.place, c.time) for c in (told.first, told.second))
    before = {"and": None, "before": first, "after": second}[told.link]
    return frozenset((first, second)), before


def test_paraphrases_say_the_same_with_the_same_words() -> None:
    for judged in meanings("para", "train", 400):
        one, other = judged.first, judged.second
        assert (events(one) == events(other)) == (judged.label == "same")
        words = [
            Counter(grammar("x-en").say(told).replace("after", "before").split()) for told in (one, other)
        ]
        assert words[0] - Counter(",") == words[1] - Counter(",")


@pytest.mark.parametrize("name", TAGGED)
def test_tags_are_of_the_declared_set(name: str) -> None:
    labels = registry.find(f"lab_{name}").labels
    assert labels == TAGGED[name]
    for code in lab.LANGUAGES:
        for row in rows(name, code):
            assert len(row.tokens) == len(row.tags)
            assert set(row.tags) <= set(labels)
    if name != "ccg":  # every language uses categories of its own order
        assert {tag for row in rows(name, "x-en", "train", 1_000) for tag in row.tags} == set(labels)


def test_entities_are_iob2() -> None:
    for code in lab.LANGUAGES:
        for row in rows("ner", code):
            for before, tag in zip(("O", *row.tags), row.tags, strict=False):
                if tag.startswith("I-"):
                    assert before[1:] == tag[1:]


def test_names_and_parts_of_speech_depend_on_context() -> None:
    """No word's tag is sure: the best guess without context is far from right."""
    for name, lowest in (("pos", 0.05), ("ner", 0.05)):
        tags: dict[str, Counter[str]] = {}
        for row in rows(name, "x-en", "train", 1_000):
            for token, tag in zip(row.tokens, row.tags, strict=True):
                tags.setdefault(token, Counter())[tag] += 1
        seen = wrong = 0
        for row in rows(name, "x-en", "test", 300):
            for token, tag in zip(row.tokens, row.tags, strict=True):
                known = tags.get(token, Counter())
                guess = max(sorted(known), key=lambda tag: known[tag]) if known else "O"
                wrong += guess != tag
                seen += 1
        assert wrong / seen > lowest


def test_invented_words_differ_between_splits() -> None:
    def invented(split: str) -> set[str]:
        return {
            word.concept
            for name in ("pos", "ner")
            for meaning in meanings(name, split, 200)
            for word in grammar("x-en").words(meaning)
            if word.concept.startswith("~")
        }

    assert invented("train")
    assert not invented("train") & invented("test")


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("code", lab.LANGUAGES)
def test_answers_stand_where_they_are_said_to(name: str, code: str) -> None:
    for row in rows(name, code):
        for answer in row.answers:
            assert row.context[answer.start : answer.start + len(answer.text)] == answer.text
            assert f" {row.context}"[answer.start] == " "


def matches(question: Clause, statement: Clause) -> bool:
    """Whether the statement answers the question: it says all that the question says, and what it asks."""
    if getattr(statement, question.asked) is None or question.verb != statement.verb:
        return False
    said = {"subject", "object", "recipient", "place", "time"} - {question.asked}
    return all(getattr(question, role) in (None, getattr(statement, role)) for role in said)


@pytest.mark.parametrize("name", ASKED)
def test_one_statement_answers_or_none(name: str) -> None:
    unanswered = 0
    for asked in meanings(name, "train", 600):
        assert isinstance(asked, questions.Asked)
        answering = [row for row, told in enumerate(asked.statements) if matches(asked.question, told)]
        assert answering == ([] if asked.answer < 0 else [asked.answer])
        unanswered += asked.answer < 0
    assert unanswered == (200 if name == "qa2" else 0)


def test_answers_are_not_told_by_their_length() -> None:
    """The text of an answer occurs once among the phrases of its role."""
    for asked in meanings("qa"):
        told = asked.statements[asked.answer]
        role = asked.question.asked
        spoken = dict(grammar("x-en").clause(told))
        assert text(spoken[role]) in grammar("x-en").say(told)


def right_and_wrong(chosen: Chosen) -> tuple[Clause, list[Clause]]:
    wrong = [option for place, option in enumerate(chosen.options) if place != chosen.right]
    return chosen.options[chosen.right], wrong


def test_next_events_follow_habits() -> None:
    for chosen in meanings("event", "train", 400):
        right, wrong = right_and_wrong(chosen)

        def usual(option: Clause, told: tuple[Clause, ...] = chosen.told) -> bool:
            return any(
                option.subject == event.subject
                and option.object == event.object
                and NEXT[event.verb] == option.verb
                for event in told
            )

        assert usual(right)
        assert len(wrong) == 2
        assert not any(map(usual, wrong))


def test_common_knowledge_is_true_of_one_option() -> None:
    def true(noun: str, option: Clause) -> bool:
        if option.place is not None:
            return LIVES_IN[noun] == option.place.noun
        if option.object is None:
            return COLOUR_OF[noun] == option.quality
        return {"be": KIND_OF, "like": LIKES, "use": USES}[option.verb][noun] == option.object.noun

    for chosen in meanings("common", "train", 400):
        right, wrong = right_and_wrong(chosen)
        noun = chosen.told[0].object.noun
        assert true(noun, right)
        assert len(wrong) == 3
        assert not any(true(noun, option) for option in wrong)


@pytest.mark.parametrize("name", (*CHOSEN,))
def test_places_of_right_options_are_even(name: str) -> None:
    labels = Counter(row.label for row in rows(name, "x-en", "train", 900))
    options = len(rows(name)[0].options)
    assert all(abs(labels[place] - 900 / options) < 60 for place in range(options))


@pytest.mark.parametrize("name", RETRIEVED)
def test_gold_pairs_are_the_only_translations(name: str) -> None:
    mixed = generation.meanings(name, "test", 100)
    assert isinstance(mixed, generation.bitext.Mixed)
    known = {meaning: row for row, meaning in enumerate(mixed.target)}
    assert {(row, known[meaning]) for row, meaning in enumerate(mixed.source) if meaning in known} == set(
        mixed.gold
    )
    for code in lab.OTHERS:
        (bitext,) = rows(name, code, "test", 100)
        assert len(bitext.source) == len(bitext.target) == len(set(bitext.target)) == 100
        assert bitext.gold == mixed.gold
        assert len(bitext.gold) == (100 if name == "tatoeba" else 40)


def test_a_paraphrase_is_never_the_sentence_itself() -> None:
    for judged in (*meanings("para"), *meanings("nli"), *meanings("entail")):
        assert isinstance(judged, pairs.Judged)
        assert judged.first != judged.second
