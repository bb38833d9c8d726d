"""The languages of the lab: planted distances, scripts, cognates, and that nothing is shared by spelling."""

import unicodedata
from itertools import combinations

import pytest

from xstilts import lab
from xstilts.lab.inventory import CONTENT_WORDS, DEEDS, FUNCTION_WORDS, NAMES
from xstilts.lab.languages import WEIGHTS
from xstilts.lab.lexicon import NOUN_FEATURES, features, lexicons

WORDS = (*FUNCTION_WORDS, *CONTENT_WORDS, *NAMES)
SCRIPTS = {"Latin": "LATIN", "Greek": "GREEK", "Cyrillic": "CYRILLIC", "Devanagari": "DEVANAGARI"}


def forms(code: str, words: tuple[str, ...] = WORDS) -> dict[str, tuple[str, str]]:
    """All forms of a language, each with a word and a feature that it writes."""
    lexicon = lexicons()[code]
    return {lexicon.form(word, feature): (word, feature) for word in words for feature in features(word)}


def test_the_world_is_as_it_was_when_the_backbones_were_trained() -> None:
    assert lab.identity() == "46162e07a28bfc1d"


def test_there_are_eight_languages_in_four_families() -> None:
    assert (len(lab.LANGUAGES), len({language.family for language in lab.LANGUAGES.values()})) == (8, 4)
    assert tuple(code for code in lab.LANGUAGES if code != lab.BASE) == lab.OTHERS


def test_distances_follow_from_features() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    rows = lab.distance_table()
    assert [row["code"] for row in rows] == ["x-en", "x-ga", "x-ra", "x-rb", "x-gb", "x-sa", "x-sb", "x-ia"]
    for row in rows:
        assert row["distance"] == pytest.approx(
            sum(WEIGHTS[name] * float(row[name]) for name in WEIGHTS), abs=1e-4
        )
    assert rows[0]["distance"] == 0
    assert 0.9 < float(rows[-1]["distance"]) < 1


@pytest.mark.parametrize("code", lab.LANGUAGES)
def test_words_are_written_in_the_script_of_their_language(code: str) -> None:
    script = SCRIPTS[lab.LANGUAGES[code].script]
    for form in forms(code):
        assert form == unicodedata.normalize("NFC", form)
        assert not any(character.isspace() for character in form)
        assert all(unicodedata.name(character).startswith(script) for character in form)


@pytest.mark.parametrize("code", lab.LANGUAGES)
def test_a_form_belongs_to_one_word(code: str) -> None:
    known: dict[str, str] = {}
    for word in WORDS:
        for feature in (*features(word), *(NOUN_FEATURES if word in DEEDS else ())):
            form = lexicons()[code].form(word, feature)
            assert known.setdefault(form, word) == word or not form


def test_no_two_languages_share_a_spelling() -> None:
    spellings = {code: {form for form in forms(code) if form} for code in lab.LANGUAGES}
    for one, other in combinations(lab.LANGUAGES, 2):
        assert not spellings[one] & spellings[other]


@pytest.mark.parametrize("code", lab.OTHERS)
def test_cognates_are_as_many_as_planted(code: str) -> None:
    language, lexicon = lab.LANGUAGES[code], lexicons()[code]
    assert len(lexicon.cognates) == round(language.cognates * len(CONTENT_WORDS))
    assert not set(lexicon.cognates) & {*FUNCTION_WORDS, *NAMES}


def test_related_languages_share_roots_and_others_do_not() -> None:
    """Roots that the sound laws of two Slavic-like languages keep apart only by regular change."""
    sa, sb, ia = (lexicons()[code] for code in ("x-sa", "x-sb", "x-ia"))
    laws = {"ch": "k", "u": "o", "sh": "z", "y": "i", "g": "h", "ie": "e", "b": "p", "a": "o"}

    def skeleton(root: str) -> str:
        for change, back in laws.items():
            root = root.replace(change, back)
        return root

    related = sum(skeleton(sa.root(word)) == skeleton(sb.root(word)) for word in CONTENT_WORDS)
    unrelated = sum(skeleton(sa.root(word)) == skeleton(ia.root(word)) for word in CONTENT_WORDS)
    assert related > 0.8 * len(CONTENT_WORDS)
    assert unrelated == 0


def test_names_are_each_languages_own() -> None:
    for one, other in combinations(lab.LANGUAGES, 2):
        roots = [{lexicons()[code].root(name) for name in NAMES} for code in (one, other)]
        assert not roots[0] & roots[1]


def test_invented_words_inflect_and_are_new() -> None:
    for code in lab.LANGUAGES:
        lexicon, known = lexicons()[code], forms(code)
        invented = [lexicon.form(f"~{sort}:{number}") for sort in ("noun", "name") for number in range(50)]
        assert not set(invented) & set(known)
        assert lexicon.form("~verb:1", "past.sg") != lexicon.form("~verb:1", "present.sg")
        assert lexicon.form("~noun:1", "pl.nom") != lexicon.form("~noun:1", "sg.nom")
