"""The table of languages."""

import pytest

from xstilts.data import languages
from xstilts.errors import InputError
from xstilts.lab.languages import LANGUAGES

XTREME = {
    "Afro-Asiatic": "ar he",
    "Austro-Asiatic": "vi",
    "Austronesian": "id jv ms tl",
    "Basque": "eu",
    "Dravidian": "ml ta te",
    "Indo-European": "af bg bn de el en es fa fr hi it mr nl pt ru ur",
    "Japonic": "ja",
    "Kartvelian": "ka",
    "Korean": "ko",
    "Kra-Dai": "th",
    "Niger-Congo": "sw yo",
    "Sino-Tibetan": "my zh",
    "Turkic": "kk tr",
    "Uralic": "et fi hu",
}


def test_the_forty_languages_of_xtreme_in_their_groups() -> None:
    assert sum(len(codes.split()) for codes in XTREME.values()) == 40
    for family, codes in XTREME.items():
        for code in codes.split():
            language = languages.find(code)
            assert language.family == family
            assert language.size is not None
            assert 0 < language.size < 10


def test_rows_are_complete_unique_and_sorted() -> None:
    rows = languages.all_languages()
    assert [row.code for row in rows] == sorted({row.code for row in rows})
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert row.name
        assert row.family
        assert len(row.script) == 4


def test_the_lab_has_the_same_languages() -> None:
    scripts = {"Latin": "Latn", "Greek": "Grek", "Cyrillic": "Cyrl", "Devanagari": "Deva"}
    private = [row for row in languages.all_languages() if row.code.startswith("x-")]
    assert sorted(LANGUAGES) == [row.code for row in private]
    for row in private:
        ours = LANGUAGES[row.code]
        assert (row.name, row.family, row.script) == (ours.name, ours.family, scripts[ours.script])


def test_an_unknown_code_gets_a_hint() -> None:
    with pytest.raises(InputError, match="no such language code"):
        languages.find("xx")
    with pytest.raises(InputError, match="Did you mean 'de'"):
        languages.find("German")


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("German", "de"),
        ("german ", "de"),
        ("Germn", "de"),
        ("deu", "de"),
        ("ger", "de"),
        ("Deutsch", "de"),
        ("zho_Hans", "zh"),
        ("zh-CN", "zh"),
        ("Chinese (Simplified)", "zh"),
        ("Simplified Chinese", "zh"),
        ("Modern Greek", "el"),
        ("gr", "el"),
        ("pt_BR", "pt"),
        ("Farsi", "fa"),
        ("iw", "he"),
        ("Haitian", "ht"),
    ],
)
def test_what_others_write_for_a_language(word: str, code: str) -> None:
    assert languages.near(word) == languages.near(word, [code, "x-en"]) == f"Did you mean '{code}'?"
    assert code not in languages.near(word, ["x-en"])


def test_other_names_mean_one_language_each_and_the_three_letter_codes_are_there() -> None:
    rows = [row for row in languages.all_languages() if not row.code.startswith("x-")]
    words = [word.casefold() for row in rows for word in (row.code, row.name, *row.also)]
    assert len(set(words)) == len(words)
    assert all(any(len(word) == 3 for word in row.also) for row in rows)
