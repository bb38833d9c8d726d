"""The eight languages of the lab: their features, and the planted distance that follows from them."""

from dataclasses import dataclass, field
from functools import cached_property

BASE = "x-en"

# What each difference to the base language adds to the planted distance. The sum is 1.
WEIGHTS = {
    "lexicon": 0.35,  # times the share of words that are no cognates
    "script": 0.12,
    "verb last": 0.12,
    "case": 0.12,  # half of it for an accusative alone
    "postpositions": 0.08,
    "no articles": 0.06,
    "adjective after noun": 0.05,
    "time first": 0.04,
    "agreement": 0.03,
    "negation after verb": 0.03,
}


@dataclass(frozen=True, kw_only=True)
class Language:
    """The features of a language. Suffixes are spelt in Latin letters, whatever the script.

    `cognates` is the share of content words whose root is the base language's, changed by sound laws;
    all other words have a root of the family, and names one of the language. `share` scales the amount of
    pretraining text.
    """

    code: str
    name: str
    family: str
    script: str
    cognates: float
    share: float
    verb_last: bool = False
    adjective_after: bool = False
    postpositions: bool = False
    negation_after: bool = False
    articles: bool = True
    time_first: bool = False
    suffixes: dict[str, str] = field(default_factory=dict)

    @property
    def case(self) -> str:
        """Which cases are marked: "", "accusative" or "full" (accusative, dative, locative)."""
        return (
            "full" if "locative" in self.suffixes else "accusative" if "accusative" in self.suffixes else ""
        )

    @property
    def agreement(self) -> bool:
        """Whether the verb shows a plural subject in every tense."""
        return "agreement" in self.suffixes

    @cached_property
    def differences(self) -> dict[str, float]:
        """What the language does unlike the base language, each between 0 and 1."""
        return {
            "lexicon": 1 - self.cognates,
            "script": float(self.script != "Latin"),
            "verb last": float(self.verb_last),
            "case": {"": 0.0, "accusative": 0.5, "full": 1.0}[self.case],
            "postpositions": float(self.postpositions),
            "no articles": float(not self.articles),
            "adjective after noun": float(self.adjective_after),
            "time first": float(self.time_first),
            "agreement": float(self.agreement),
            "negation after verb": float(self.negation_after),
        }

    @cached_property
    def distance(self) -> float:
        """The planted distance to the base language, between 0 and 1: a weighted mean of differences."""
        return round(sum(WEIGHTS[name] * value for name, value in self.differences.items()), 4)


def _table(*languages: Language) -> dict[str, Language]:
    return {language.code: language for language in languages}


LANGUAGES: dict[str, Language] = _table(
    Language(code=BASE, name="Lab English", family="Lab G", script="Latin", cognates=1.0, share=1.0),
    Language(
        code="x-ga",
        name="Lab Ga",
        family="Lab G",
        script="Latin",
        cognates=0.45,
        share=1.0,
        negation_after=True,
        suffixes={"plural": "en", "past": "te"},
    ),
    Language(
        code="x-gb",
        name="Lab Gb",
        family="Lab G",
        script="Greek",
        cognates=0.11,
        share=0.9,
        verb_last=True,
        suffixes={"plural": "ar", "accusative": "no", "past": "du"},
    ),
    Language(
        code="x-ra",
        name="Lab Ra",
        family="Lab R",
        script="Latin",
        cognates=0.27,
        share=1.0,
        adjective_after=True,
        suffixes={"plural": "s", "past": "va", "agreement": "no"},
    ),
    Language(
        code="x-rb",
        name="Lab Rb",
        family="Lab R",
        script="Latin",
        cognates=0.16,
        share=0.9,
        adjective_after=True,
        negation_after=True,
        suffixes={"plural": "li", "accusative": "mu", "past": "ri", "agreement": "ta"},
    ),
    Language(
        code="x-sa",
        name="Lab Sa",
        family="Lab S",
        script="Cyrillic",
        cognates=0.0,
        share=0.8,
        articles=False,
        time_first=True,
        suffixes={
            **{"plural": "i", "accusative": "u", "dative": "om", "locative": "eh"},
            **{"past": "al", "agreement": "im"},
        },
    ),
    Language(
        code="x-sb",
        name="Lab Sb",
        family="Lab S",
        script="Cyrillic",
        cognates=0.0,
        share=0.7,
        articles=False,
        time_first=True,
        adjective_after=True,
        negation_after=True,
        suffixes={
            **{"plural": "ovi", "accusative": "an", "dative": "ush", "locative": "or"},
            **{"past": "el", "agreement": "ash"},
        },
    ),
    Language(
        code="x-ia",
        name="Lab Ia",
        family="Lab I",
        script="Devanagari",
        cognates=0.0,
        share=0.6,
        articles=False,
        time_first=True,
        verb_last=True,
        adjective_after=True,
        postpositions=True,
        suffixes={
            **{"plural": "on", "accusative": "ko", "dative": "se", "locative": "me"},
            **{"past": "ya", "agreement": "ti"},
        },
    ),
)
OTHERS = tuple(code for code in LANGUAGES if code != BASE)


def distance_table() -> list[dict[str, str | float]]:
    """One row per language, by distance: its code, family, script, planted distance, and its parts."""
    rows: list[dict[str, str | float]] = []
    for language in sorted(LANGUAGES.values(), key=lambda language: language.distance):
        row: dict[str, str | float] = {"code": language.code, "family": language.family}
        row |= {"script": language.script, "distance": language.distance}
        row.update(language.differences)
        rows.append(row)
    return rows
