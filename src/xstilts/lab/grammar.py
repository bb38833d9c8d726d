"""How a language says a meaning: the order of words, their case, agreement and adpositions."""

from functools import lru_cache
from typing import NamedTuple

from xstilts.lab.inventory import BEINGS, NAMES, PRONOUNS
from xstilts.lab.languages import BASE
from xstilts.lab.lexicon import Lexicon, lexicons
from xstilts.lab.meaning import NP, Clause, Meaning

_ASKING = {"place": "where", "time": "when"}
_LINK_TAG = {"and": "CCONJ"}
_NAMED = frozenset(NAMES)  # looked up, never iterated over
_ALIVE = frozenset((*BEINGS, "person", "animal"))


class Word(NamedTuple):
    """A word as written, its part of speech, and the concept and feature that it writes.

    The concept is empty for what only this language has ("did") and for punctuation.
    """

    form: str
    tag: str
    concept: str = ""
    feature: str = ""


Words = tuple[Word, ...]
Phrase = tuple[str, Words]  # a role ("subject", "verb", "place"), and its words
Part = tuple[Clause | None, list[Phrase]]  # a clause and its phrases, or what stands between clauses
STOP, COMMA, QUESTION_MARK = (Word(mark, "PUNCT") for mark in ".,?")


def text(words: Words | list[Word]) -> str:
    """The words with single spaces between them."""
    return " ".join([word.form for word in words])


@lru_cache(maxsize=16)
def grammar(code: str) -> "Grammar":
    """The grammar of a language, by its code."""
    return Grammar(lexicons()[code])


class Grammar:
    """Says meanings in one language."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.language = lexicon.language
        self.lexicon = lexicon
        self._is_base = lexicon.language.code == BASE
        self._noun_phrases: dict[tuple[NP, str], Words] = {}

    def say(self, meaning: Meaning) -> str:
        """The sentence as text, with its final mark."""
        return text(self.words(meaning))

    def words(self, meaning: Meaning) -> list[Word]:
        """The words of the sentence, with its final mark."""
        return [word for _, words in self.phrases(meaning) for word in words]

    def phrases(self, meaning: Meaning) -> list[Phrase]:
        """The phrases of the sentence in their order; their words in a row are the sentence."""
        return [phrase for _, phrases in self.parts(meaning) for phrase in phrases]

    def parts(self, meaning: Meaning) -> list[Part]:
        """The phrases of each clause beside the clause, and beside None what stands between clauses."""
        if isinstance(meaning, Clause):
            mark = QUESTION_MARK if meaning.asked else STOP
            return [(meaning, self.clause(meaning)), (None, [("mark", (mark,))])]
        word = self._word(meaning.link, _LINK_TAG.get(meaning.link, "SCONJ"))
        link: Part = (None, [("link", (word,))])
        first: Part = (meaning.first, self.clause(meaning.first))
        second: Part = (meaning.second, self.clause(meaning.second))
        stop: Part = (None, [("mark", (STOP,))])
        if meaning.link_first:
            return [link, second, (None, [("mark", (COMMA,))]), first, stop]
        return [first, link, second, stop]

    def clause(self, clause: Clause) -> list[Phrase]:
        """The phrases of a clause without its final mark."""
        language = self.language
        subject: Phrase = ("subject", self._argument(clause, "subject", clause.subject, "nom"))
        verb = self._verb_group(clause)
        place, time = self._adjunct(clause, "place"), self._adjunct(clause, "time")
        time_first = language.time_first != clause.moved
        quality = self._quality(clause)
        result = [*time, subject] if time_first else [subject]
        if language.verb_last:
            result += place
            if not time_first:
                result += time
            result += [*self._recipient(clause), *self._object(clause), *quality, *verb]
        else:
            result += [*verb, *self._object(clause), *self._recipient(clause), *quality, *place]
            if not time_first:
                result += time
        if clause.asked:
            result = self._question(clause, result)
        if clause.then:
            result.insert(0, ("link", (self._word("then", "ADV"),)))
        return result

    def noun_phrase(self, np: NP, case: str = "nom") -> Words:
        """The words of a noun phrase in a case ("nom", "acc", "dat", "loc")."""
        key = (np, case)
        words = self._noun_phrases.get(key)
        if words is None:
            words = self._noun_phrases[key] = self._spell(np, case)
        return words

    def _spell(self, np: NP, case: str) -> Words:
        noun, determiner, adjective, second = np
        feature = f"{'pl' if np.plural else 'sg'}.{case}"
        if noun in PRONOUNS:
            return (self._word(noun, "PRON"),)
        if noun in _NAMED or noun.startswith("~name"):
            name = (self._word(noun, "PROPN", feature),)
            return (*name, self._word(second, "PROPN", feature)) if second else name
        if not noun and not adjective:
            return (self._word(determiner, "PRON"),)
        if not noun:
            words = [self._word(adjective, "NOUN", feature)]
        elif not adjective:
            words = [self._word(noun, "NOUN", feature)]
        else:
            words = [self._word(adjective, "ADJ"), self._word(noun, "NOUN", feature)]
            if self.language.adjective_after:
                words.reverse()
        if determiner:
            vowel = "vowel" if determiner == "a" and self._is_base and words[0].form[0] in "aeiou" else ""
            first = self._word(determiner, "NUM" if np.plural else "DET", vowel)
            if first.form:
                words.insert(0, first)
        return tuple(words)

    def _word(self, concept: str, tag: str, feature: str = "") -> Word:
        return Word(self.lexicon.form(concept, feature), tag, concept, feature)

    def _argument(self, clause: Clause, role: str, np: NP, case: str) -> Words:
        if clause.asked == role:
            return (self._word(asking_word(clause, role), "PRON"),)
        return self.noun_phrase(np, case)

    def _object(self, clause: Clause) -> list[Phrase]:
        if clause.object is None:
            return []
        case = "nom" if clause.verb == "be" else "acc"
        return [("object", self._argument(clause, "object", clause.object, case))]

    def _recipient(self, clause: Clause) -> list[Phrase]:
        if clause.recipient is None:
            return []
        words = self._argument(clause, "recipient", clause.recipient, "dat")
        return self._with_adposition("recipient", "for" if clause.verb == "work" else "to", words)

    def _adjunct(self, clause: Clause, role: str) -> list[Phrase]:
        np = clause.place if role == "place" else clause.time
        if np is None:
            return []
        if clause.asked == role:
            return [(role, (self._word(_ASKING[role], "ADV"),))]
        adposition = "in" if role == "place" else clause.when
        return self._with_adposition(role, adposition, self.noun_phrase(np, "loc"))

    def _with_adposition(self, role: str, adposition: str, words: Words) -> list[Phrase]:
        phrases: list[Phrase] = [("adposition", (self._word(adposition, "ADP"),)), (role, words)]
        return phrases[::-1] if self.language.postpositions else phrases

    def _quality(self, clause: Clause) -> list[Phrase]:
        if not clause.quality:
            return []
        return [("quality", (self._word(clause.quality, "ADJ" if clause.verb == "be" else "ADV"),))]

    def _verb_group(self, clause: Clause) -> list[Phrase]:
        tense = "present" if clause.present else "past"
        feature = f"{tense}.{'pl' if clause.subject.plural else 'sg'}"
        verb = self._word(clause.verb, "AUX" if clause.verb == "be" else "VERB", feature)
        if not clause.negated:
            return [("verb", (verb,))]
        negation: Phrase = ("negation", (self._word("not", "PART"),))
        if not self._is_base:
            return (
                [("verb", (verb,)), negation]
                if self.language.negation_after
                else [negation, ("verb", (verb,))]
            )
        if clause.verb == "be":
            return [("verb", (verb,)), negation]
        return [self._do(feature), negation, ("verb", (self._word(clause.verb, "VERB", "base"),))]

    def _do(self, feature: str) -> Phrase:
        form = {"present.sg": "does", "present.pl": "do"}.get(feature, "did")
        return ("auxiliary", (Word(form, "AUX"),))

    def _question(self, clause: Clause, phrases: list[Phrase]) -> list[Phrase]:
        """The asking word goes first where the verb is not last; the base language asks with "did"."""
        if self.language.verb_last:
            return phrases
        place = next(i for i, (role, _) in enumerate(phrases) if role == clause.asked)
        count = 1
        if place and phrases[place - 1][0] == "adposition":
            place, count = place - 1, 2
        asking = phrases[place : place + count]
        rest = phrases[:place] + phrases[place + count :]
        if self._is_base and clause.asked != "subject" and clause.verb != "be":
            feature = f"{'present' if clause.present else 'past'}.{'pl' if clause.subject.plural else 'sg'}"
            base: Phrase = ("verb", (self._word(clause.verb, "VERB", "base"),))
            rest = [self._do(feature), *(base if role == "verb" else (role, words) for role, words in rest)]
        return asking + rest


def asking_word(clause: Clause, role: str) -> str:
    """What asks for a role: who, what, where or when."""
    if role in _ASKING:
        return _ASKING[role]
    np = {"subject": clause.subject, "object": clause.object, "recipient": clause.recipient}[role]
    assert np is not None
    return "who" if is_being(np) else "what"


def is_being(np: NP) -> bool:
    """Whether a noun phrase is asked for by who: a name, a person, an animal."""
    return np.noun in _NAMED or np.noun.startswith("~name") or np.noun in _ALIVE
