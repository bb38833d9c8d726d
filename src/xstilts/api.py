"""The Python API: all that the command line does with a study, from a notebook or a program.

    import xstilts

    study = xstilts.Study.load("lab-quickstart")
    study.check()                                   # every error at once, as one exception
    study.run(store="store", workers=2)
    study.findings(store="store").verdicts          # a polars DataFrame

`import xstilts` loads nothing heavy: what a method needs is imported when it is called.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from xstilts.plain import say

if TYPE_CHECKING:
    import polars as pl

    from xstilts.analysis.compare import Comparison
    from xstilts.analysis.findings import Findings
    from xstilts.analysis.ranking import Ranking
    from xstilts.audit.finding import Audit
    from xstilts.data.task import Task
    from xstilts.run.cost import Cost
    from xstilts.run.launch import Result
    from xstilts.run.progress import Board
    from xstilts.store import Store
    from xstilts.study.plan import Plan
    from xstilts.study.preregistered import Preregistration
    from xstilts.study.sources import Source
    from xstilts.study.study import StudyFile
    from xstilts.tracking.tracker import Tracker

Folder = str | Path
Where = Folder | None
"""A folder, if one is named."""


class Study:
    """A question, the grid of trainings and evaluations that answers it, and claims about the answer.

    `file` is the content of its file. What a user can cause is raised as an XstiltsError; the errors of an
    input come together, as InputErrors. `data` and `images` are folders with files of the tasks and with
    images; by default rows are read from the Hub.
    """

    def __init__(self, file: "StudyFile") -> None:
        self.file = file

    def __repr__(self) -> str:
        return f"Study({self.file.name!r}: {self.file.question})"

    @classmethod
    def load(cls, name_or_path: Folder) -> Self:
        """Read a bundled study, by its name, or the study in a TOML file."""
        from xstilts.study.load import load

        return cls(load(name_or_path))

    @classmethod
    def parse(cls, content: Mapping[str, Any], folder: Folder = ".") -> Self:
        """Take a study from a mapping with the keys of a study file; paths in it start from `folder`."""
        from xstilts.study.load import parse

        return cls(parse(content, Path(folder).resolve() / "study.toml", "study"))

    @property
    def tasks(self) -> "dict[str, Task]":
        """The tasks that the study declares, then all others that it names, by name."""
        from xstilts.study.load import tasks_of

        return tasks_of(self.file)

    def check(self, data: Where = None, images: Where = None, store: Folder = "store") -> "Check":
        """Look for everything that is wrong or missing, and compute nothing; gives what there is to do.

        Raises InputErrors.
        """
        from xstilts.errors import InputErrors
        from xstilts.store import Store

        found = self.draft(data, images, Store(Path(store)))
        if found.plan.errors:
            raise InputErrors(found.plan.errors)
        return found

    def draft(self, data: Where, images: Where, store: "Store") -> "Check":
        """The same with what is wrong in `plan.errors`, instead of raising it."""
        from xstilts.errors import StudyError
        from xstilts.study import preregistered
        from xstilts.study.plan import draft
        from xstilts.study.sources import look

        plan = draft(self.file, _path(data), _path(images))
        rows, broken, notes = look(plan.steps, plan.places)
        errors = {str(error): error for error in (*plan.errors, *broken)}
        try:
            preregistered.read(self.file)
        except StudyError as error:
            errors[str(error)] = error
        notes = tuple(dict.fromkeys((*plan.notes, *notes)))
        return Check(replace(plan, errors=tuple(errors.values()), notes=notes), store, rows)

    def run(  # noqa: PLR0913 (each is a choice of the user's)
        self,
        store: Folder = "store",
        data: Where = None,
        images: Where = None,
        *,
        workers: int | None = None,
        engine: str = "local",
        engine_options: Where = None,
        address: str | None = None,
        limit: float = 30.0,
        save_memory: bool = False,
        keep_checkpoints: bool = False,
        retry: bool = False,
        repair: bool = False,
        track: "str | Tracker | Sequence[str | Tracker]" = (),
        begun: "Callable[[Board], None]" = lambda board: None,
    ) -> "Outcome":
        """Train and evaluate what the store does not have; the options are those of `xstilts run`.

        Where and how much is computed at a time changes no number. Progress goes to standard error; `begun`
        is given what tells how far the run is. `track` has names of trackers, or trackers of one's own
        (docs/trackers.md). A stopped run goes on where it was when it is run again.
        Raises InputErrors, EngineError, or StudyError where a training has seen what it is evaluated on.
        """
        from xstilts.audit import finding
        from xstilts.audit.audit import audited
        from xstilts.errors import EngineError
        from xstilts.run import machine, progress
        from xstilts.run.engine import ENGINES, options_of
        from xstilts.run.launch import CheckpointDropper, Run
        from xstilts.run.options import read
        from xstilts.store import KnownStudy, maintenance
        from xstilts.study import preregistered
        from xstilts.study.models import fetch_all
        from xstilts.study.sources import check_rows
        from xstilts.tracking.following import Following
        from xstilts.tracking.tracker import trackers

        for option, number in (("workers", workers), ("limit", limit)):
            if number is not None and not number > 0:
                raise EngineError(f"--{option}", f"is {number:g}.", "Give a number above 0.")
        options = options_of(engine, read(_path(engine_options)), address, workers)
        own = {"workers": workers, "limit": 60 * limit} if engine == "local" else {}
        plan, kept = self.planned(store, data, images)
        preregistered.read(plan.study)  # a broken file is told before anything runs
        told = trackers(track, plan.study.name, kept)
        kept.prepare()
        if computing := kept.computing():
            say(_others(computing, plan.names))
        if repair:
            say(maintenance.repaired(maintenance.repair(kept, plan.steps)))
        steps = maintenance.failed_before(kept, plan.steps) if retry else plan.steps
        missing = kept.missing(steps)
        check_rows(missing, plan.places)
        seen = audited(plan, kept)
        finding.refuse(seen, plan.study)
        say(finding.summary(seen, plan.study))
        fetch_all(missing)
        kept.remember(KnownStudy.of(plan))
        if engine == "local" and (advice := machine.advice(missing)):
            say(advice)
        shown = progress.Progress(plan, {step.fingerprint for step in plan.steps if kept.done(step)})
        begun(shown.board)
        listener = shown if keep_checkpoints else CheckpointDropper(plan.steps, kept, shown)
        with shown, Following(plan, kept, told, listener, say) as followed:
            wanted = Run(steps, kept, plan.places, save_memory)
            result = ENGINES[engine].run(wanted, followed, options, **own)
        return Outcome(plan, kept, result)

    def findings(self, store: Folder = "store", data: Where = None, images: Where = None) -> "Findings":
        """What the results in the store show so far: `scores`, `effects` and `verdicts`, and all else."""
        from xstilts.analysis.findings import Findings

        return Findings.of(*self.planned(store, data, images, there=True))

    def report(
        self,
        out: Where = None,
        store: Folder = "store",
        data: Where = None,
        images: Where = None,
        to: str | Sequence[str] = ("html", "csv"),
    ) -> list[Path]:
        """Write what is known, as html, csv, parquet, latex, markdown, svg or pdf; gives the files.

        `out` is a folder, by default reports/NAME.
        """
        from xstilts.report import page

        folder = Path("reports") / self.file.name if out is None else Path(out)
        return page.write(self.findings(store, data, images), [to] if isinstance(to, str) else to, folder)

    def audit(self, store: Folder = "store", data: Where = None, images: Where = None) -> "Audit":
        """Look for leaks: evaluated rows, and languages called zero-shot, that a training has seen.

        `findings` of what it gives are these; `unseen` says what was not looked at. It is kept in the store.
        """
        from xstilts.audit.audit import audited

        return audited(*self.planned(store, data, images))

    def compare(
        self, published: str, store: Folder = "store", data: Where = None, images: Where = None
    ) -> "Comparison":
        """Lay measured figures beside published ones: a name that `xstilts compare` lists, or a file."""
        from xstilts.analysis import compare
        from xstilts.analysis.published import read

        figures = read(published)
        return compare.compare(self.findings(store, data, images).quantities, figures)

    def export(
        self, out: Where = None, store: Folder = "store", data: Where = None, images: Where = None
    ) -> tuple[Path, ...]:
        """Write the predictions as XTREME's submissions; gives their folders, one for each arm and seed.

        `out` is a folder, by default exports/NAME. What is not computed yet is left out.
        """
        from xstilts.xtreme.export import export

        folder = Path("exports") / self.file.name if out is None else Path(out)
        return export(*self.planned(store, data, images, there=True), folder).folders

    def preregister(
        self, store: Folder = "store", data: Where = None, images: Where = None
    ) -> "Preregistration":
        """Freeze claims, arms, seeds, targets and fingerprints in STUDY.preregistered.json, beside the study.

        The report then says whether they are still those. Raises StudyError if they are frozen already.
        """
        from xstilts.study.preregistered import freeze

        plan, kept = self.planned(store, data, images)
        return freeze(plan, sum(kept.done(plan.by_fingerprint[cell.evaluation]) for cell in plan.cells))

    def push(  # noqa: PLR0913 (each is a choice of the user's)
        self,
        arm: str,
        to: str,
        store: Folder = "store",
        data: Where = None,
        images: Where = None,
        *,
        target: str | None = None,
        seed: int | None = None,
        backbone: str | None = None,
        dry_run: Where = None,
        public: bool = False,
        merged: bool = False,
        licence: str | None = None,
        retrain: bool = False,
    ) -> str:
        """Put a trained model with its card on the Hub, as ORG/NAME; gives its address.

        The model of the arm after the training for `target`, or before that for any; of the first seed, if
        none is named. An adapter is put there as such, unless `merged`. With `dry_run` it is written into
        that folder instead. A checkpoint that was dropped is trained again if `retrain`. Raises InputError if
        there is no such model, MissingResultError if it is not in the store, HubError.
        """
        from xstilts.analysis.findings import Findings
        from xstilts.sharing import card, model, upload

        upload.check_names(to, licence)
        plan, kept = self.planned(store, data, images, there=True)
        chosen = model.choose(plan, arm, target, seed, backbone)
        if retrain:
            model.train_again(chosen, kept)
        repository = model.repository(chosen, kept, to, merged=merged)
        files, findings = repository.files, Findings.of(plan, kept)
        files["README.md"] = card.model_card(chosen, findings, repository, licence).encode()
        if dry_run is not None:
            return str(upload.write(files, Path(dry_run)))
        return upload.upload(files, to, "model", f"{chosen.step.name} of {plan.study.name}", public=public)

    def share(  # noqa: PLR0913 (each is a choice of the user's)
        self,
        to: str,
        store: Folder = "store",
        data: Where = None,
        images: Where = None,
        *,
        dry_run: Where = None,
        public: bool = False,
        licence: str | None = None,
    ) -> str:
        """Put tables, claims and page on the Hub as the data set ORG/NAME; gives its address.

        With `dry_run` they are written into that folder instead. Raises HubError.
        """
        from xstilts.sharing import dataset, upload

        upload.check_names(to, licence)
        files = dataset.files(self.findings(store, data, images), to, licence)
        if dry_run is not None:
            return str(upload.write(files, Path(dry_run)))
        return upload.upload(files, to, "dataset", f"Results of {self.file.name}", public=public)

    def rank(
        self,
        store: Folder = "store",
        data: Where = None,
        images: Where = None,
        rows: int | None = None,
        report: Callable[[str], None] = lambda line: None,
    ) -> "Ranking":
        """The arms in the order in which to try them for each target, by estimates without such a training.

        `order` and `quality` of what it gives are polars DataFrames. At most `rows` rows of a task are read
        (500 by default), by the backbone and by those trained arms that the store has; what is read once is
        kept there. `report` is told how far it is.
        """
        from xstilts.analysis import ranking
        from xstilts.analysis.results import Results
        from xstilts.compute.probe import measure
        from xstilts.run.cost import trained_tokens

        plan, kept = self.planned(store, data, images)
        kept.prepare()
        asked = ranking.wanted(plan, kept, rows or ranking.ROWS)
        read = measure(asked.probes, kept, plan.places, report)
        return ranking.Ranking(Results(plan, kept), asked, read, trained_tokens(plan, kept))

    def status(self, store: Folder = "store", data: Where = None, images: Where = None) -> "pl.DataFrame":
        """A row for each cell: whether it is done, running, failed or open, and why it failed."""
        import polars as pl

        plan, kept = self.planned(store, data, images, there=True)
        rows = []
        for cell in plan.cells:
            chain = plan.chain(cell)
            failures = (kept.failure(step.fingerprint) for step in chain)
            message = next((failure.message for failure in failures if failure), "")
            rows.append(cell.named | {"state": kept.state(chain), "message": message})
        return pl.DataFrame(rows)

    def planned(
        self,
        store: Folder,
        data: Where = None,
        images: Where = None,
        *,
        there: bool = False,
    ) -> "tuple[Plan, Store]":
        """The plan, and the store, which looks for its steps in their own places.

        Raises StoreError if there have to be results, and the store holds none.
        """
        from xstilts.store import Store
        from xstilts.study.plan import plan

        kept = Store(Path(store))
        if there:
            kept.require_results()
        found = plan(self.file, _path(data), _path(images))
        kept.know(found.steps)
        return found, kept


@dataclass(frozen=True)
class Check:
    """What there is to do for a study. `rows` has the number of rows of each part that was counted."""

    plan: "Plan"
    store: "Store"
    rows: Mapping[Any, int]

    @property
    def cells(self) -> "pl.DataFrame":
        """The cells, and whether the store has them."""
        import polars as pl

        steps = self.plan.by_fingerprint
        done = {cell: self.store.done(steps[cell.evaluation]) for cell in self.plan.cells}
        return pl.DataFrame([cell.named | {"done": known} for cell, known in done.items()])

    @property
    def steps(self) -> "pl.DataFrame":
        """The steps, whether the store has them, and how many cells share each."""
        import polars as pl

        return pl.DataFrame(
            [
                {
                    "name": self.plan.names[step.fingerprint],
                    "kind": step.kind,
                    "fingerprint": step.fingerprint,
                    "done": self.store.done(step),
                    "cells": self.plan.users[step.fingerprint],
                }
                for step in self.plan.steps
            ]
        )

    @property
    def cost(self) -> "Cost":
        """What the missing phases will cost, roughly."""
        from xstilts.run.cost import estimate

        return estimate(self.plan, self.store)

    @property
    def sources(self) -> "list[Source]":
        """The files that the rows of each task, split and language are read from, with how many these are."""
        from xstilts.study.sources import parts_of, source

        return [source(part, self.plan.places, self.rows.get(part)) for part in parts_of(self.plan.steps)]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of how the study is computed, and of rows that are not the release's."""
        from xstilts.study.sources import differing

        return (*self.plan.notes, *(text.removesuffix(".") for text in differing(self.sources)))

    @property
    def _size(self) -> str:
        """How many cells there are, and how many steps are done."""
        done = sum(map(self.store.done, self.plan.steps))
        return f"{len(self.plan.cells)} cells; {done} of {len(self.plan.steps)} steps are in the store"

    def __repr__(self) -> str:
        return "\n".join((self._size, *self.notes))

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<p>{escape(self._size)}</p><ul>{notes}</ul>{self.cells._repr_html_()}"


@dataclass(frozen=True)
class Outcome:
    """What became of a run: `result` has the numbers of computed and found steps, failed and blocked ones."""

    plan: "Plan"
    store: "Store"
    result: "Result"

    @property
    def complete(self) -> bool:
        """Whether everything is in the store."""
        return self.result.complete

    def __str__(self) -> str:
        parts = [f"{self.result.computed} steps computed", f"{self.result.found} were in the store"]
        if self.result.failed:
            parts.append(f"{len(self.result.failed)} failed")
        if self.result.blocked:
            parts.append(f"{len(self.result.blocked)} could not be tried")
        return ", ".join(parts) + "."

    def _repr_html_(self) -> str:
        failed = "".join(
            f"<li>{escape(self.plan.names[step])}: {escape(message)}</li>"
            for step, message in self.result.failed.items()
        )
        return f"<p>{escape(str(self))}</p><ul>{failed}</ul>"


def _path(folder: Where) -> Path | None:
    return None if folder is None else Path(folder)


def _others(computing: Mapping[str, str], names: Mapping[str, str]) -> str:
    """That other processes compute into the store at the moment, and which steps."""
    told = "; ".join(
        f"{who}: {names.get(step, f'a step of another study ({step})')}" for step, who in computing.items()
    )
    return f"Another run is at work in this store ({told}). This one takes other steps, or waits for those."
