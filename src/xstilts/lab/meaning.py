"""What a sentence of the lab means, whatever the language that says it."""

from typing import NamedTuple

from xstilts.lab.inventory import PLURAL


class NP(NamedTuple):
    """Who or what: a noun with determiner and adjective, a name of one or two words, or a pronoun.

    Without a noun the adjective stands for its bearer ("the old"), or the determiner alone ("that").
    """

    noun: str
    determiner: str = ""
    adjective: str = ""
    second: str = ""  # the second word of a name ("anna fox"), a common noun elsewhere

    @property
    def plural(self) -> bool:
        return self.determiner in PLURAL or self.noun == "they"


class Clause(NamedTuple):
    """Who does what to whom, where and when.

    `quality` is what the subject is (verb "be") or how it is done. `moved` puts the time at the other side
    of the clause, which changes nothing of the meaning. `asked` names the role that is asked for.
    """

    subject: NP
    verb: str
    object: NP | None = None
    recipient: NP | None = None
    place: NP | None = None
    time: NP | None = None
    when: str = "during"  # or "before", "after"
    quality: str = ""
    negated: bool = False
    present: bool = False
    then: bool = False
    moved: bool = False
    asked: str = ""


class Compound(NamedTuple):
    """Two clauses and what links them; `link_first` says "after B, A" for "A after B"."""

    first: Clause
    link: str
    second: Clause
    link_first: bool = False


Meaning = Clause | Compound


ROLES = ("subject", "object", "recipient", "place", "time")


def role_of(clause: Clause, role: str) -> NP | None:
    """Who or what has that role in the clause."""
    assert role in ROLES
    np: NP | None = getattr(clause, role)
    return np


def put(clause: Clause, role: str, np: NP | None) -> Clause:
    """The clause with somebody or something else, or nothing, in that role."""
    assert role in ROLES
    changed: Clause = clause._replace(**{role: np})  # type: ignore[arg-type]
    return changed


def the(noun: str) -> NP:
    return NP(noun, "the")
