"""The words of each language: roots from cognates or from the family, and their inflected forms."""

from functools import lru_cache

from xstilts.lab.inventory import (
    ADJECTIVES,
    CONTENT_WORDS,
    FUNCTION_WORDS,
    NAMES,
    NOUNS,
    PAST,
    VERBS,
    VERSION,
)
from xstilts.lab.languages import BASE, LANGUAGES, Language
from xstilts.lab.rng import Rng
from xstilts.lab.sounds import changed, new_root, written

NOUN_FEATURES = tuple(f"{number}.{case}" for number in ("sg", "pl") for case in ("nom", "acc", "dat", "loc"))
VERB_FEATURES = ("past.sg", "past.pl", "present.sg", "present.pl", "base")
_CASES = {"acc": "accusative", "dat": "dative", "loc": "locative"}
_ENGLISH_PLURAL = {"person": "people", "wolf": "wolves", "knife": "knives"}
_ENGLISH_BE = {"past.sg": "was", "past.pl": "were", "present.sg": "is", "present.pl": "are", "base": "be"}
_SIBILANT = ("s", "sh", "ch", "x", "z")


class Lexicon:
    """The words of one language. `form(word, feature)` spells a concept, a name or an invented word.

    An invented word is named `~noun:17`, `~verb:3`, `~adjective:5`, `~name:8`: it has a root that no text
    of the pretraining contains, and inflects like all others. `taken` are the forms of all other words.
    """

    def __init__(
        self, language: Language, roots: dict[str, str], cognates: tuple[str, ...], taken: set[str]
    ) -> None:
        self.language = language
        self.cognates = cognates
        self._roots = roots
        self._taken = taken
        self._forms: dict[tuple[str, str], str] = {}

    def form(self, word: str, feature: str = "") -> str:
        """The word as written with that feature ("pl.acc", "past.sg"); empty if the language has none."""
        key = (word, feature)
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = inflected(self.language, word, self.root(word), feature)
        return form

    def root(self, word: str) -> str:
        """The root in Latin letters; that of an invented word is invented on first sight."""
        root = self._roots.get(word)
        if root is None:
            assert word.startswith("~"), f"no concept '{word}' in the world"
            root = self._roots[word] = self._invented(word)
        return root

    def _invented(self, word: str) -> str:
        """The first root for the word that no other word of any language looks like."""
        code, family = self.language.code, self.language.family
        for attempt in range(100):
            root = new_root(family, 2, Rng(VERSION, "invented", code, word, attempt))
            root = root if code == BASE else changed(root, code)
            shapes = (*NOUN_FEATURES, *VERB_FEATURES)
            if self._taken.isdisjoint(inflected(self.language, word, root, shape) for shape in shapes):
                return root
        raise AssertionError(f"no free root for '{word}' in {code}")


def inflected(language: Language, word: str, root: str, feature: str) -> str:
    """A root with its suffixes, in the script of the language."""
    if word in ("the", "a") and not language.articles:
        return ""
    if language.code == BASE:
        return _english(word, root, feature)
    suffixes = language.suffixes
    parts = feature.split(".")
    if len(parts) == 2 and parts[1] in ("nom", *_CASES):
        plural = suffixes["plural"] if parts[0] == "pl" else ""
        # A language with an accusative alone leaves the other cases bare.
        root += plural + suffixes.get(_CASES.get(parts[1], ""), "")
    elif len(parts) == 2:
        past = suffixes["past"] if parts[0] == "past" else ""
        root += past + (suffixes.get("agreement", "") if parts[1] == "pl" else "")
    return written(root, language.script)


def _english(word: str, root: str, feature: str) -> str:
    if word == "be":
        return _ENGLISH_BE[feature]
    if word == "a":
        return "an" if feature == "vowel" else "a"
    if feature.startswith("past."):
        return PAST.get(word) or root + ("d" if root.endswith("e") else "ed")
    if feature == "present.sg" or (feature.startswith("pl.") and word not in NAMES):
        if feature.startswith("pl.") and word in _ENGLISH_PLURAL:
            return _ENGLISH_PLURAL[word]
        if root.endswith("y") and root[-2] not in "aeou":
            return root[:-1] + "ies"
        return root + ("es" if root.endswith(_SIBILANT) else "s")
    return root


def features(word: str) -> tuple[str, ...]:
    """All features that a word of the world inflects for."""
    if word in VERBS or word == "be":
        return (*VERB_FEATURES, *(NOUN_FEATURES[:1] if word != "be" else ()))
    return NOUN_FEATURES if word in NOUNS or word in ADJECTIVES or word in NAMES else ("",)


@lru_cache(maxsize=1)
def lexicons() -> dict[str, Lexicon]:
    """The lexicon of every language, by its code. No two words of all languages are spelt alike."""
    used: set[str] = set()
    result = {}
    for language in LANGUAGES.values():
        cognates = _cognates(language)
        roots: dict[str, str] = {}
        for word in (*FUNCTION_WORDS, *CONTENT_WORDS, *NAMES):
            root = word if language.code == BASE else _root(language, word, word in cognates, used)
            roots[word] = root
            used.update(inflected(language, word, root, feature) for feature in features(word))
            used.discard("")
        result[language.code] = Lexicon(language, roots, cognates, used)
    return result


def _cognates(language: Language) -> tuple[str, ...]:
    """Which content words keep the base language's root: exactly the planted share of them.

    Related languages keep the same ones first, as in nature.
    """
    order = Rng(VERSION, "cognates", language.family).shuffled(CONTENT_WORDS)
    return tuple(sorted(order[: round(language.cognates * len(order))]))


def _root(language: Language, word: str, cognate: bool, used: set[str]) -> str:
    """The first candidate none of whose forms is taken by another word of any language."""
    for attempt in range(100):
        root = _candidate(language, word, cognate, attempt)
        if used.isdisjoint(inflected(language, word, root, feature) for feature in features(word)):
            return root
    raise AssertionError(f"no free root for '{word}' in {language.code}")


def _candidate(language: Language, word: str, cognate: bool, attempt: int) -> str:
    if cognate:
        return changed(word, language.code) + "aeiou"[attempt % 5] * (attempt > 0)
    # Names are each language's own; other words come from the family while it has a free root.
    owner = language.code if word in NAMES or attempt > 1 else language.family
    syllables = 1 if word in FUNCTION_WORDS else 2
    rng = Rng(VERSION, "root", owner, word, attempt)
    return changed(new_root(language.family, syllables, rng), language.code)
