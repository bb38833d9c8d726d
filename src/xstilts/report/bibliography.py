"""What a report cites: in words, and as BibTeX."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from xstilts.report.templates import asset


class Work(NamedTuple):
    """A publication. `number` is the volume of a journal, or the arXiv number of a paper."""

    authors: Sequence[str]
    year: str
    title: str
    venue: str
    number: str = ""

    @property
    def text(self) -> str:
        place = " ".join(filter(None, (self.venue, self.number)))
        return f"{', '.join(self.authors)}. {self.title}. {place}, {self.year}."

    @property
    def key(self) -> str:
        """'phang2020english': the first author, the year, the first long word of the title."""
        author = (re.findall(r"\w+", self.authors[0].lower()) or ["anonymous"])[-1]
        word = next(iter(re.findall(r"\w{4,}", self.title.lower())), "")
        return "".join(letter for letter in f"{author}{self.year}{word}" if letter.isascii())

    @property
    def bibtex(self) -> str:
        kind, place, number = "inproceedings", "booktitle", "note"
        if re.search("^arXiv|^First ", self.venue):
            kind, place = "misc", "howpublished"
        elif re.search("TACL|Linguistics$|Statistic", self.venue):
            kind, place, number = "article", "journal", "volume"
        fields = {"author": " and ".join(self.authors).replace("et al.", "others"), "title": self.title}
        fields |= {place: self.venue, number: self.number, "year": self.year}
        lines = [f"  {name} = {{{_braced(value)}}}," for name, value in fields.items() if value]
        return "\n".join([f"@{kind}{{{self.key},", *lines, "}"])


WORKS = {name: Work(**table) for name, table in tomllib.loads(asset("works.toml")).items()}
"""What every report cites, by what it is cited for."""
DESIGN = f"The design: {WORKS['design'].text}"
STATISTICS = (
    f"Intervals: {WORKS['bootstrap'].text} {WORKS['seeds'].text}",
    f"Correction: {WORKS['correction'].text}",
)
SIGNS = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_"},
        **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
        **{"{": "(", "}": ")"},
    }
)
CITED = re.compile(r"(.+?) \((\d{4})\), (.+?[.?!]) (.+)")


def bibliography(citations: Iterable[str]) -> str:
    """Write the design, the statistics and the citations of tasks as BibTeX.

    A citation has works parted by semicolons, each "Authors (year), Title. Venue"; what has another form
    becomes a note.
    """
    entries = {work.key: work.bibtex for work in WORKS.values()}
    for text in citations:
        for part in text.split("; "):
            if (match := CITED.fullmatch(part)) is None:
                key = f"note{len(entries)}"
                entries[key] = f"@misc{{{key},\n  note = {{{_braced(part)}}},\n}}"
            else:
                names, year, title, venue = match.groups()
                authors = re.split(", | and ", names.replace(" et al.", ", et al."))
                work = Work(authors, year, title.rstrip("."), venue.rstrip("."))
                entries.setdefault(work.key, work.bibtex)
    return "\n\n".join(entries.values()) + "\n"


def _braced(text: str) -> str:
    """Text as BibTeX takes it: one line, its special signs escaped, its braces balanced."""
    return " ".join(text.split()).translate(SIGNS)
