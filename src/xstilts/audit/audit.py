"""The audit of a plan: its chains, the rows that they have seen, and the rows that they are asked.

store/audits/<key>.json            an audit is kept, so that a plan is looked at once
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from xstilts.audit.chains import Chain, RowSet, SeenRows, absent, at_hand, chains, unknown
from xstilts.audit.finding import Audit, Finding, Kind, Severity
from xstilts.audit.labels import any_tells, words_tell
from xstilts.audit.match import Index, Match, Texts, match, translations, usual
from xstilts.audit.text import left_over
from xstilts.audit.tongue import others
from xstilts.data.languages import by_code
from xstilts.data.loader import identity, load
from xstilts.errors import DamageError, InputError
from xstilts.plain import by_key
from xstilts.store import Store, read_json, schema, write_json
from xstilts.study.phase import Evaluation
from xstilts.study.plan import Plan

SHARE = 0.01
"""Share of evaluated rows from which they are a leak: they can move a score by as many points at the most."""

FOREIGN = 10
"""Rows of a file in another language than it says, from which they are noted. From SHARE of its rows on, and
three at the least, they are a leak."""

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
        self.own = {part for chain in self.chains for part in chain.evaluated()}
        self.seen = {seen.part for chain in self.chains for seen in chain.seen}
        self.missing: set[RowSet] = set()
        self.evaluated: dict[RowSet, Texts] = {}
        self.matches: dict[tuple[RowSet, RowSet], Match] = {}
        self.spoken: dict[RowSet, Mapping[str, tuple[int, int, str]]] = {}
        self.texts: dict[tuple[RowSet, int], str] = {}
        self.usual: dict[RowSet, tuple[float, float]] = {}
        self.trained = 0
        self.translated: dict[tuple[RowSet, RowSet], Mapping[int, int]] = {}

    def audit(self) -> Audit:
        """All findings."""
        for part in sorted({part for chain in self.chains for part in self._asked(chain)}):
            if (rows := self._rows(part)) is not None:
                self.evaluated[part] = rows
        self.index = Index(self.evaluated)
        for part in sorted(self.seen):
            self._compare(part)
        together = by_key(  # those that differ in nothing but their steps are one
            (replace(finding, steps=()), step)
            for chain in self.chains
            for finding in self._findings(chain)
            for step in finding.steps
        )
        compared = sorted(self.own & {asked for asked, _ in self.matches})
        return Audit(
            tuple(replace(finding, steps=tuple(dict.fromkeys(steps))) for finding, steps in together.items()),
            sum(len(self.evaluated[part]) for part in compared),
            self.trained,
            tuple(_by_split(compared).values()),
            tuple(self._unseen()),
        )

    def _asked(self, chain: Chain) -> list[RowSet]:
        """The evaluated rows, and their translations into languages that were trained or selected with."""
        trained = {seen.part.language for seen in chain.seen if seen.role in ("labels", "selection")}
        known = self.plan.places.task(chain.use.task).languages
        others = sorted(trained & set(known) - set(chain.use.languages))
        return chain.evaluated() + [RowSet(chain.use.task, chain.use.split, code) for code in others]

    def _rows(self, part: RowSet) -> Texts | None:
        task = self.plan.places.task(part.task)
        if not at_hand(task, part.split, part.language, self.plan.places.data):
            if part in self.own or part in self.seen:
                self.missing.add(part)
            return None
        return Texts(load(task, part.split, part.language, self.plan.places.data))

    def _compare(self, part: RowSet) -> None:
        rows = self.evaluated.get(part) or self._rows(part)
        if rows is None:
            return
        users = [chain for chain in self.chains if any(seen.part == part for seen in chain.seen)]
        roles = {seen.role for chain in users for seen in chain.seen if seen.part == part}
        if roles & {"labels", "selection"} and self.plan.places.task(part.task).made is None:
            self.spoken[part] = {
                code: (len(numbers), len(rows), _shown(rows.texts[numbers[0]]))
                for code, numbers in others(rows, part.language).items()
            }
        chosen = {asked for chain in users for asked in self._asked(chain)} & self.evaluated.keys()
        self.trained += len(rows) if chosen else 0
        contained = self.index.contained(rows, chosen)
        worst = 0.0
        for asked in sorted(chosen):
            evaluated = self.evaluated[asked]
            found = match(evaluated, rows)
            found.add(contained.get(asked, {}))
            self.matches[asked, part] = found
            worst = max(worst, len(found.whole) / len(evaluated))
            for _, other in sorted(found.near.items())[:EXAMPLES]:
                self.texts[part, other] = _shown(rows.texts[other])
            if pairs := found.pairs(evaluated, rows):
                ours = [evaluated.examples[number] for number, _ in pairs]
                theirs = [rows.repeated[rows.contents[other]] for _, other in pairs]
                found.told = any_tells(ours, [[rows.examples[place] for place in some] for some in theirs])
                words = (left_over(evaluated.pieces[one], rows.pieces[two]) or "" for one, two in pairs)
                found.written = words_tell(list(zip(words, ours, strict=True)))
        if worst >= SHARE:
            self.usual[part] = usual(rows)

    def _translations(self, one: RowSet, other: RowSet) -> Mapping[int, int]:
        """The rows of the one, with those of the other that translate them; none if they do not."""
        if (one, other) not in self.translated:
            self.translated[one, other] = translations(self.evaluated[one], self.evaluated[other]) or {}
        return self.translated[one, other]

    def _unseen(self) -> Iterator[str]:
        yield from unknown(self.plan)
        if not any(chain.seen for chain in self.chains):
            yield "rows that train or select: there are none"
        for part, rows in _by_split(sorted(self.missing)).items():
            yield f"{rows}: {absent(self.plan.places.task(part.task), part.split, self.plan.places.data)}"
        for part in sorted(self.own & self.evaluated.keys()):
            if wordless := len(self.evaluated[part].wordless):
                of = len(self.evaluated[part])
                yield f"{wordless:,} of {of:,} rows of {part}: they have no words"
        visual = {chain.use.task for chain in self.chains if chain.use.kind.pictured}
        if visual:
            yield f"what the images of {', '.join(sorted(visual))} show: only their names are compared"
        for part in sorted(part for part in self.spoken if part.language not in by_code()):
            yield f"whether the texts of {part} are in that language: it is in no table"
        for task, codes in sorted(by_key(self._unaligned()).items()):
            told = ", ".join(sorted({*codes}))
            yield f"whether rows of {task} in {told} translate those of its source language"

    def _unaligned(self) -> Iterator[tuple[str, str]]:
        """Tasks and languages whose rows could not be laid beside those of the source language."""
        for chain in self.chains:
            source = RowSet(chain.use.task, chain.use.split, chain.source)
            for part in chain.evaluated():
                if part not in self.evaluated or part == source or self.evaluated[part].bitext:
                    continue
                if source not in self.evaluated or not self._translations(source, part):
                    yield chain.use.task, part.language

    # Findings

    def _findings(self, chain: Chain) -> Iterator[Finding]:
        yield from seen_languages(chain)
        # Rows in other languages than their file is said to be in.
        for seen in chain.seen:
            for code, (count, of, text) in sorted(self.spoken.get(seen.part, {}).items()):
                kind = _kind_of_language(chain, seen, code)
                severe = count >= max(3, SHARE * of)
                if kind is not None and (severe or count >= FOREIGN):
                    where = (f"{seen.part}, by their text",)
                    severity: Severity = "leak" if severe else "note"
                    rows = chain.use.task, chain.use.split, code
                    yield Finding(kind, severity, *rows, where, chain.steps, count, 0, of, examples=(text,))
        for part in chain.evaluated():
            if part in self.evaluated:
                yield from self._of_rows(chain, part)

    def _of_rows(self, chain: Chain, part: RowSet) -> Iterator[Finding]:
        """What of the rows in one language the chain has seen: with labels, in translation, as text."""
        told: set[int] = set()
        same = [seen for seen in chain.seen if self._tells(chain, part, seen)]
        yield from self._finding(chain, part, "rows", same, told)
        others = [
            seen
            for seen in chain.seen
            if self._tells(chain, RowSet(part.task, part.split, seen.part.language), seen)
        ]
        yield from self._finding(chain, part, "parallel", others, told)
        for role in ("selection", "thresholds"):
            selecting = [seen for seen in chain.seen if seen.role == role]
            for finding in self._finding(chain, part, "selected_on", selecting, set()):
                mild = role == "thresholds" or part.language == chain.source
                yield replace(finding, severity="note") if mild else finding
        trained = [seen for seen in chain.seen if seen.role in ("labels", "text")]
        yield from self._finding(chain, part, "text_seen", trained, told)
        yield from self._finding(chain, part, "part_seen", trained, told)

    def _finding(
        self, chain: Chain, part: RowSet, kind: Kind, chosen: list[SeenRows], told: set[int]
    ) -> Iterator[Finding]:
        """At most one finding, of the rows that are not `told` yet; it adds them there."""
        rows: dict[int, tuple[str, bool]] = {}
        where: list[RowSet] = []
        for seen in chosen:
            hits = self._hits(part, seen, kind)
            new = {number: hit for number, hit in hits.items() if number not in told}
            if new:
                where.append(seen.part)
                rows = new | rows
        if not rows:
            return
        told.update(rows)
        of = len(self.evaluated[part])
        near = sum(nearly for _, nearly in rows.values())
        shares = (len(rows) - near) / of, near / of
        chances = [max(self.usual.get(source, (0.0, 0.0))[place] for source in where) for place in (0, 1)]
        excess = sum(max(0.0, share - chance) for share, chance in zip(shares, chances, strict=True))
        bare = kind in ("text_seen", "part_seen")
        severity: Severity = "leak" if not bare and excess >= threshold(of) else "note"
        chance = round(sum(chances), 4) if not bare and len(rows) / of >= threshold(of) else 0.0
        texts, sources = self.evaluated[part].texts, tuple(map(str, dict.fromkeys(where)))
        examples = tuple(_shown(texts[number]) + rows[number][0] for number in sorted(rows)[:EXAMPLES])
        asked, counts = (part.task, part.split, part.language), (len(rows), near, of)
        yield Finding(kind, severity, *asked, sources, chain.steps, *counts, chance, examples)

    def _tells(self, chain: Chain, asked: RowSet, seen: SeenRows) -> bool:
        """Whether training rows tell what the evaluation asks of the rows that they have in common.

        For retrieval they do if they are parallel text or rows of a classification; otherwise if their
        labels, or what else stands in them, tell the labels of these rows, or where that cannot be known, if
        family and labels are alike.
        """
        if not chain.use.kind.trained:
            return (seen.role, seen.family) in (("text", "masked"), ("labels", "classification"))
        found = self.matches.get((asked, seen.part), Match())
        if seen.role in ("labels", "text") and found.written:
            return True
        told = found.told
        if told is None:
            shared = set(chain.use.label_set) & set(seen.label_set)
            told = seen.family == chain.use.family and (bool(shared) or not chain.use.label_set)
        return told and seen.role == "labels"

    def _hits(self, part: RowSet, seen: SeenRows, kind: Kind) -> dict[int, tuple[str, bool]]:
        """The rows that a kind is about, each with what is said of it besides its text, and whether it is
        only nearly the same."""
        trained = seen.part
        found = self.matches.get((part, trained), Match())
        same = dict.fromkeys(found.same, ("", False))
        for number, other in found.near.items():
            shown = self.texts.get((trained, other))
            same[number] = f" ~ {shown}" if shown else "", True
        apart = dict.fromkeys(found.texts, ("", False))
        match kind:
            case "rows":
                return same
            case "parallel":
                return self._elsewhere(part, trained)
            case "selected_on":
                return self._elsewhere(part, trained) | same
            case "text_seen":
                return same | apart if seen.role == "text" else same
        return apart | dict.fromkeys(found.part, ("", False))

    def _elsewhere(self, part: RowSet, trained: RowSet) -> dict[int, tuple[str, bool]]:
        """The rows whose translations into the language of the training data stand in it."""
        other = RowSet(part.task, part.split, trained.language)
        if other == part or (other, trained) not in self.matches or part not in self.evaluated:
            return {}
        there = self._translations(other, part)
        texts, found = self.evaluated[other].texts, self.matches[other, trained]
        return {
            there[number]: (f" = {_shown(texts[number])}", number in found.near)
            for number in found.whole
            if number in there
        }


def seen_languages(chain: Chain) -> Iterator[Finding]:
    """Labels, and development rows that select, in other languages than the source."""
    seen = [(_kind_of_language(chain, one, one.part.language), one.part) for one in chain.seen]
    for (kind, code), where in by_key(((kind, part.language), str(part)) for kind, part in seen).items():
        if kind is not None:
            yield Finding(kind, "leak", chain.use.task, chain.use.split, code, tuple(where), chain.steps)


def _kind_of_language(chain: Chain, seen: SeenRows, code: str) -> Kind | None:
    """What it is that rows are in that language; None if it is no fault."""
    if code == chain.source:
        return None
    if seen.role == "labels" and code in chain.use.languages:
        return "target_labels" if seen.part.task in chain.own else "language_seen"
    return "selection" if seen.role == "selection" else None


def _by_split(parts: list[RowSet]) -> dict[RowSet, str]:
    """Rows in words, `xnli test in de, en`, after the first of the parts in each."""
    together = by_key(((part.task, part.split), part) for part in parts)
    return {
        some[0]: f"{task} {split} in {', '.join(part.language for part in some)}"
        for (task, split), some in together.items()
    }


def _shown(row: tuple[str, ...]) -> str:
    text = " | ".join(" ".join(part.split()) for part in row)
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"


VERSION = 4
"""Raised by hand whenever an audit would find something else in the same rows."""


def audited(plan: Plan, store: Store) -> Audit:
    """The audit of a plan: the one in the store, or a new one, which is then kept there."""
    found = stored(plan, store)
    if found is None:
        found = audit(plan)
        with store.guarded():
            path = _path(plan, store)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, found.to_json())
    return found


def stored(plan: Plan, store: Store) -> Audit | None:
    """The audit in the store; None if this plan, with the rows that are at hand now, was not looked at."""
    path = _path(plan, store)
    if not path.is_file():
        return None
    try:
        return schema.made(read_json(path), Audit)
    except ValueError as error:
        raise DamageError(str(path), f"is no audit ({error}).", "Remove it: another one is made.") from error


def _path(plan: Plan, store: Store) -> Path:
    """Where an audit is kept: its name is a digest of what it depends on, the evaluations and the rows at
    hand, also in languages not asked for."""
    evaluations = sorted(
        step.fingerprint for step in plan.steps if isinstance(step.specification, Evaluation)
    )
    parts = set[RowSet]()
    for chain in chains(plan):
        known = plan.places.task(chain.use.task).languages
        parts |= {RowSet(chain.use.task, chain.use.split, code) for code in known}
        parts |= {seen.part for seen in chain.seen}
    content = [VERSION, evaluations, [[str(part), _identity(plan, part)] for part in sorted(parts)]]
    digest = hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
    return store.root / "audits" / f"{digest[:16]}.json"


def _identity(plan: Plan, part: RowSet) -> str:
    """What rows depend on; "" of those that are not at hand."""
    where = plan.places.task(part.task), part.split, part.language, plan.places.data
    with contextlib.suppress(InputError):
        return identity(*where) if at_hand(*where) else ""
    return ""
