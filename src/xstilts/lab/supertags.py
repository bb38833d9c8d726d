"""Supertags: for each word, what it combines with and on which side, in the manner of categorial grammar.

The notation is that of CCGbank (Hockenmaier and Steedman 2007): X/Y takes a Y on its right, X\\Y one on its
left. The categories are simpler: NP, N, AP, PP and S without features.
"""

from xstilts.data.examples import Tagged
from xstilts.lab.corpus import sentence
from xstilts.lab.grammar import Grammar, Phrase, Words
from xstilts.lab.languages import Language
from xstilts.lab.meaning import Clause, Compound, Meaning
from xstilts.lab.rng import Rng

_VP = "(S\\NP)"
_AFTER_VERB, _BEFORE_VERB = f"{_VP}\\{_VP}", f"{_VP}/{_VP}"
# All categories of all languages.
CATEGORIES = (
    *(".", ",", "AP", "N", "NP", "NP/N", "NP/NP", "N/N", "N\\N", "PP/NP", "PP\\NP", "S/S", "S\\NP"),
    *("(S/S)/S", "(S\\S)/S", "(S/S)/NP", "(S/S)\\NP", _BEFORE_VERB, _AFTER_VERB),
    *(f"({side}){slash}NP" for side in (_BEFORE_VERB, _AFTER_VERB) for slash in "/\\"),
    *(f"{_VP}{slash}{argument}" for slash in "/\\" for argument in ("NP", "PP", "AP")),
    *("((S\\NP)/PP)/NP", "((S\\NP)\\NP)\\PP", "((S\\NP)\\PP)\\NP"),
)


def sentences(rng: Rng, split: str, size: int) -> list[Meaning]:
    """Sentences as in the pretraining text."""
    return [sentence(rng) for _ in range(size)]


def supertags(meaning: Meaning, grammar: Grammar, name: str) -> Tagged:
    """The words of the sentence with their categories."""
    tokens: list[str] = []
    tags: list[str] = []
    link = "(S/S)/S" if isinstance(meaning, Compound) and meaning.link_first else "(S\\S)/S"
    for clause, phrases in grammar.parts(meaning):
        for place, (role, words) in enumerate(phrases):
            tokens += [word.form for word in words]
            if clause is None:
                tags += [word.form if role == "mark" else link for word in words]
            else:
                tags += _categories(clause, phrases, place, grammar.language)
    return Tagged(tuple(tokens), tuple(tags), name)


def _categories(clause: Clause, phrases: list[Phrase], place: int, language: Language) -> list[str]:
    """The categories of the words of one phrase of a clause."""
    role, words = phrases[place]
    roles = [other for other, _ in phrases]
    modifier = _BEFORE_VERB if place < roles.index("verb") else _AFTER_VERB
    if role in ("negation", "auxiliary"):
        return [modifier]
    if role == "verb":
        return [_verb(clause, language)]
    if role == "quality":
        return ["AP" if clause.verb == "be" else modifier]
    if role == "link":
        return ["S/S"]
    if role != "adposition":
        return _nominal(words, language)
    governed = roles[place - 1 if language.postpositions else place + 1]
    if governed == "recipient":
        modifier = "PP"
    else:
        modifier = "(S/S)" if place < roles.index("subject") else f"({modifier})"
    return [f"{modifier}{_left(language.postpositions)}NP"]


def _left(left: bool) -> str:
    return "\\" if left else "/"


def _verb(clause: Clause, language: Language) -> str:
    """A verb takes its arguments from the nearest to the farthest, its subject last."""
    slash = _left(language.verb_last)
    arguments = []
    if clause.quality and clause.verb == "be":
        arguments.append("AP")
    if clause.object is not None:
        arguments.append("NP")
    if clause.recipient is not None:
        arguments.append("PP")
    category = "S\\NP"
    # The verb takes the nearest argument first, so it stands last in the category.
    for argument in reversed(arguments):
        category = f"({category}){slash}{argument}"
    return category


def _nominal(words: Words, language: Language) -> list[str]:
    """The categories inside a noun phrase."""
    if words[0].tag == "PROPN":
        return ["NP/NP"] * (len(words) - 1) + ["NP"]
    adjective = "N\\N" if language.adjective_after else "N/N"
    known = {"ADJ": adjective, "NOUN": "N", "DET": "NP/N", "NUM": "NP/N", "PRON": "NP"}
    return [known[word.tag] for word in words]
