"""The audit of a plan: its chains, the rows that they have seen, and the rows that they are asked."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from xstilts.audit.chains import Chain, Part, Role, Seen, chains, unknown
from xstilts.audit.finding import Audit, Finding, Kind
from xstilts.audit.match import Match, Rows, match, usual
from xstilts.audit.parallel import translations
from xstilts.audit.source import at_hand
from xstilts.study.plan import Plan
from xstilts.task import load

SHARE = 0.01
"""Share of evaluated rows from which they are a leak: they can move a score by as many points at the most."""

MOST_USUAL = 0.1
"""No training data repeats itself so much that a larger share of evaluated rows would be excused by it."""

EXAMPLES, LENGTH = 3, 100


def threshold(rows: int) -> float:
    """The share of rows from which they are a leak: SHARE, or the standard error of a score of half of so
    many rows if that is larger. Fewer can move the score by less than chance does.

    >>> [round(threshold(rows), 3) for rows in (100, 1_000, 2_500, 10_000)]
    [0.05, 0.016, 0.01, 0.01]
    """
    return max(SHARE, 0.5 / math.sqrt(rows))


def audit(plan: Plan) -> Audit:
    """What is wrong with a plan, as far as its rows are at hand; nothing is fetched.

    Raises DataError if a local file is broken.
    """
    return _Auditor(plan).audit()


class _Auditor:
    """Reads each part once, and drops a training part when it was compared with all that have seen it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.chains = chains(plan)
        self.missing: set[Part] = set()
        self.evaluated: dict[Part, Rows] = {}
        self.matches: dict[tuple[Part, Part], Match] = {}
        self.texts: dict[tuple[Part, int], str] = {}
        self.usual: dict[Part, float] = {}
        self.trained = 0
        self.translated = lru_cache(maxsize=None)(self._translated)

    def audit(self) -> Audit:
        """All findings."""
        for part in sorted({part for one in self.chains for part in self._asked(one)}):
            if (rows := self._rows(part)) is not None:
                self.evaluated[part] = rows
        for part in sorted({seen.part for one in self.chains for seen in one.seen}):
            self._compare(part)
        found = [finding for one in self.chains for finding in self._findings(one)]
        return Audit(
            tuple(_joined(found)),
            sum(len(rows) for part, rows in self.evaluated.items() if part in self._own_parts()),
            self.trained,
            tuple(self._unseen()),
        )

    def _own_parts(self) -> set[Part]:
        return {part for one in self.chains for part in one.evaluated()}

    def _asked(self, one: Chain) -> list[Part]:
        """The evaluated rows, and their translations into languages that were trained or selected with."""
        trained = {seen.part.language for seen in one.seen if seen.role in ("labels", "selection")}
        known = self.plan.places.task(one.use.task).languages
        others = sorted(trained & set(known) - set(one.use.languages))
        return one.evaluated() + [Part(one.use.task, one.use.split, code) for code in others]

    def _rows(self, part: Part) -> Rows | None:
        task = self.plan.places.task(part.task)
        own = part in self._own_parts() or any(part == seen.part for one in self.chains for seen in one.seen)
        if not at_hand(task, part.split, part.language, self.plan.places.data):
            if own:
                self.missing.add(part)
            return None
        return Rows(load(task, part.split, part.language, self.plan.places.data))

    def _compare(self, part: Part) -> None:
        rows = self.evaluated.get(part) or self._rows(part)
        if rows is None:
            return
        self.trained += len(rows)
        users = [one for one in self.chains if any(seen.part == part for seen in one.seen)]
        worst = 0.0
        for asked in sorted({asked for one in users for asked in self._asked(one)} & self.evaluated.keys()):
            found = match(self.evaluated[asked], rows)
            self.matches[asked, part] = found
            worst = max(worst, len(found.whole) / len(self.evaluated[asked]))
            for _, other in sorted(found.near.items())[:EXAMPLES]:
                self.texts[part, other] = _shown(rows.texts[other])
        if worst >= SHARE:
            self.usual[part] = min(MOST_USUAL, usual(rows))

    def _translated(self, one: Part, other: Part) -> Mapping[int, int]:
        return translations(self.evaluated[one], self.evaluated[other]) or {}

    def _unseen(self) -> Iterator[str]:
        yield from unknown(self.plan)
        together: dict[tuple[str, str], list[str]] = {}
        for part in sorted(self.missing):
            together.setdefault((part.task, part.split), []).append(part.language)
        for (task, split), codes in together.items():
            why = "not fetched yet" if self.plan.places.task(task).lab is None else "the lab's own text"
            yield f"{task} {split} in {', '.join(codes)}: {why}"
        for task, codes in sorted(self._unaligned().items()):
            yield f"whether rows of {task} in {', '.join(codes)} translate those of its source language"

    def _unaligned(self) -> dict[str, list[str]]:
        """By task, the languages whose rows could not be laid beside those of the source language."""
        found: dict[str, set[str]] = {}
        for one in self.chains:
            source = Part(one.use.task, one.use.split, one.source)
            for part in one.evaluated():
                if part not in self.evaluated or part == source or self.evaluated[part].bitext:
                    continue
                if source not in self.evaluated or not self.translated(source, part):
                    found.setdefault(one.use.task, set()).add(part.language)
        return {task: sorted(codes) for task, codes in found.items()}

    # Findings

    def _findings(self, one: Chain) -> Iterator[Finding]:
        yield from seen_languages(one)
        for part in one.evaluated():
            if part in self.evaluated:
                yield from self._of_rows(one, part)

    def _of_rows(self, one: Chain, part: Part) -> Iterator[Finding]:
        """What of the rows in one language the chain has seen: with labels, in translation, as text."""
        told: set[int] = set()
        labels = [seen for seen in one.seen if _same_labels(one, seen)]
        yield from self._finding(one, part, "rows", labels, told)
        yield from self._finding(one, part, "parallel", labels, told)
        for role in ("selection", "thresholds"):
            selecting = [seen for seen in one.seen if seen.role == role]
            for finding in self._finding(one, part, "selected_on", selecting, set()):
                mild = role == "thresholds" or part.language == one.source
                yield replace(finding, severity="note") if mild else finding
        trained = [seen for seen in one.seen if seen.role in ("labels", "text")]
        yield from self._finding(one, part, "text_seen", trained, told)
        yield from self._finding(one, part, "part_seen", trained, told)

    def _finding(
        self, one: Chain, part: Part, kind: Kind, chosen: list[Seen], told: set[int]
    ) -> Iterator[Finding]:
        """At most one finding, of the rows that are not `told` yet; it adds them there."""
        rows: dict[int, str] = {}
        near: set[int] = set()
        where: list[Part] = []
        for seen in chosen:
            hits = self._hits(part, seen, kind)
            new = {number: text for number, text in hits.items() if number not in told}
            if new:
                where.append(seen.part)
                near |= {number for number in new if number in self._near(part, seen.part)}
                rows = new | rows
        if not rows:
            return
        told.update(rows)
        of = len(self.evaluated[part])
        expected = max((self.usual.get(one, 0.0) for one in where), default=0.0)
        bare = kind in ("text_seen", "part_seen")
        severe = not bare and len(rows) / of - expected >= threshold(of)
        texts = self.evaluated[part].texts
        yield Finding(
            kind,
            "leak" if severe else "note",
            part.task,
            part.split,
            part.language,
            tuple(map(str, dict.fromkeys(where))),
            one.steps,
            len(rows),
            len(near & rows.keys()),
            of,
            round(expected, 4) if not bare and len(rows) / of >= threshold(of) else 0.0,
            tuple(_shown(texts[number]) + rows[number] for number in sorted(rows)[:EXAMPLES]),
        )

    def _near(self, part: Part, trained: Part) -> dict[int, int]:
        found = self.matches.get((part, trained))
        return {} if found is None else found.near

    def _hits(self, part: Part, seen: Seen, kind: Kind) -> dict[int, str]:
        """The rows that a kind is about, each with what is said of it besides its text."""
        trained = seen.part
        found = self.matches.get((part, trained), Match())
        same = dict.fromkeys(found.same, "")
        for number, other in found.near.items():
            same[number] = f" ~ {shown}" if (shown := self.texts.get((trained, other))) else ""
        apart = dict.fromkeys(found.texts, "")
        match kind:
            case "rows":
                return same
            case "parallel":
                return self._elsewhere(part, trained)
            case "selected_on":
                return self._elsewhere(part, trained) | same
            case "text_seen":
                return same | apart if seen.role == "text" else same
        return apart | dict.fromkeys(found.part, "")

    def _elsewhere(self, part: Part, trained: Part) -> dict[int, str]:
        """The rows whose translations into the language of the training data stand in it."""
        other = Part(part.task, part.split, trained.language)
        if other == part or (other, trained) not in self.matches or part not in self.evaluated:
            return {}
        there = self.translated(other, part)
        texts = self.evaluated[other].texts
        return {
            there[number]: f" = {_shown(texts[number])}"
            for number in self.matches[other, trained].whole
            if number in there
        }


def seen_languages(one: Chain) -> Iterator[Finding]:
    """Labels, and development rows that select, in other languages than the source."""
    found: dict[tuple[Kind, str], list[str]] = {}
    for seen in one.seen:
        code, evaluated = seen.part.language, seen.part.language in one.use.languages
        if code == one.source:
            continue
        if seen.role == "labels" and evaluated:
            kind: Kind = "target_labels" if seen.part.task in one.own else "language_seen"
            found.setdefault((kind, code), []).append(str(seen.part))
        elif seen.role == "selection":
            found.setdefault(("selection", code), []).append(str(seen.part))
    for (kind, code), where in found.items():
        yield Finding(kind, "leak", one.use.task, one.use.split, code, tuple(where), one.steps)


def _same_labels(one: Chain, seen: Seen) -> bool:
    """Whether the rows tell what the evaluation asks.

    So they do if family and labels are alike; for retrieval, if they are pairs of sentences.
    """
    role: Role = seen.role
    if one.use.family == "retrieval":
        return role == "text" and seen.family == "masked"
    shared = set(one.use.label_set) & set(seen.label_set)
    return role == "labels" and seen.family == one.use.family and (bool(shared) or not one.use.label_set)


def _joined(findings: list[Finding]) -> list[Finding]:
    """Findings that differ in nothing but their steps are one."""
    together: dict[Finding, list[str]] = {}
    for one in findings:
        together.setdefault(replace(one, steps=()), []).extend(one.steps)
    return [replace(one, steps=tuple(dict.fromkeys(steps))) for one, steps in together.items()]


def _shown(row: tuple[str, ...]) -> str:
    text = " | ".join(" ".join(part.split()) for part in row)
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"
