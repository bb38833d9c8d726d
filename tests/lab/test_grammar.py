"""How meanings are said: the words of lab English, and the order and marking of the other languages."""

import pytest

from xstilts import lab
from xstilts.lab.grammar import grammar
from xstilts.lab.meaning import NP, Clause, Compound, Meaning, the

DOG, ANNA = NP("dog", "the", "big"), NP("anna")
PUSH = Clause(DOG, "push", ANNA, place=the("garden"), time=the("night"))


@pytest.mark.parametrize(
    ("meaning", "text"),
    [
        (PUSH, "the big dog pushed anna in the garden during the night ."),
        (PUSH._replace(negated=True), "the big dog did not push anna in the garden during the night ."),
        (PUSH._replace(moved=True), "during the night the big dog pushed anna in the garden ."),
        (PUSH._replace(asked="subject"), "who pushed anna in the garden during the night ?"),
        (PUSH._replace(asked="object"), "who did the big dog push in the garden during the night ?"),
        (PUSH._replace(asked="place"), "where did the big dog push anna during the night ?"),
        (Clause(NP("dog", "two"), "walk", present=True), "two dogs walk ."),
        (Clause(NP("wolf", "three"), "be", quality="old"), "three wolves were old ."),
        (Clause(NP("owl", "a"), "give", the("apple"), ANNA), "an owl gave the apple to anna ."),
        (Clause(ANNA, "work", recipient=NP("acme"), negated=True), "anna did not work for acme ."),
        (Clause(NP("", "the", "old"), "sleep"), "the old slept ."),
        (Clause(NP("anna", second="fox"), "like", NP("dance", "this")), "anna fox liked this dance ."),
        (Compound(Clause(ANNA, "wake"), "after", Clause(DOG, "cry")), "anna woke after the big dog cried ."),
        (
            Compound(Clause(ANNA, "wake"), "after", Clause(DOG, "cry"), True),
            "after the big dog cried , anna woke .",
        ),
    ],
)
def test_lab_english(meaning: Meaning, text: str) -> None:
    assert grammar("x-en").say(meaning) == text


def roles(code: str, clause: Clause) -> list[str]:
    return [role for role, _ in grammar(code).clause(clause)]


def test_order_of_the_other_languages() -> None:
    assert roles("x-ga", PUSH._replace(negated=True))[:4] == ["subject", "verb", "negation", "object"]
    assert roles("x-gb", PUSH)[-2:] == ["object", "verb"]
    assert roles("x-sa", PUSH)[:3] == ["adposition", "time", "subject"]
    assert roles("x-ia", PUSH)[:3] == ["time", "adposition", "subject"]
    assert roles("x-ia", PUSH._replace(moved=True))[0] == "subject"


@pytest.mark.parametrize("code", lab.LANGUAGES)
def test_features_show(code: str) -> None:
    language, own = lab.LANGUAGES[code], grammar(code)
    tags = [word.tag for word in own.noun_phrase(DOG)]
    expected = ["NOUN", "ADJ"] if language.adjective_after else ["ADJ", "NOUN"]
    assert tags == (["DET", *expected] if language.articles else expected)
    cases = {own.noun_phrase(ANNA, case) for case in ("nom", "acc", "dat", "loc")}
    assert len({words[0].form for words in cases}) == {"": 1, "accusative": 2, "full": 4}[language.case]


@pytest.mark.parametrize("code", lab.LANGUAGES)
def test_the_words_of_phrases_are_the_words_of_the_text(code: str) -> None:
    meaning = Compound(PUSH, "because", PUSH._replace(negated=True, moved=True), True)
    own = grammar(code)
    words = [word.form for _, phrases in own.parts(meaning) for _, words in phrases for word in words]
    assert " ".join(words) == own.say(meaning)
    assert all(words)
