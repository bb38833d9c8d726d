"""The commands. What they print is in `show.py`; what they do is in `study`, `run` and `report`.

Imports stand inside the commands, so that `xstilts --help` answers at once.
"""

import functools
import signal
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from xstilts.api import Study
from xstilts.cli.commands import (
    STORE,
    DataOption,
    ImagesOption,
    JsonOption,
    StoreOption,
    StudyArgument,
    command_line,
    export,
    given,
    push,
    share,
)
from xstilts.cli.stores import of_store, print_studies
from xstilts.errors import InputErrors, XstiltsError
from xstilts.plain import say
from xstilts.version import VERSION

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C stopped, by the convention of shells."""
SO_FAR = "xstilts.so_far"
"""Under this name a running command leaves what tells how far it is."""

app = typer.Typer(
    help="A laboratory for cross-lingual intermediate-task training.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(of_store, name="store")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"xstilts {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Tell the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """A laboratory for cross-lingual intermediate-task training."""


Format = StrEnum("Format", ["HTML", "CSV", "PARQUET", "LATEX", "MARKDOWN", "SVG", "PDF"])
"""What a report may be written as."""


def _stoppable(command: Callable[..., None]) -> Callable[..., None]:
    """A command that says how to continue when it is stopped: by Ctrl-C, by `kill`, or by a batch system.

    From its first moment on; also where a shell has started it in the background, with Ctrl-C ignored.
    """

    @functools.wraps(command)
    def stoppable(context: typer.Context, **options: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        try:
            command(context=context, **options)
        except KeyboardInterrupt:
            so_far = f": {context.meta[SO_FAR]()}" if SO_FAR in context.meta else ""
            again = command_line(context, str(context.info_name))
            say(f"Stopped{so_far}. The same command continues: {again}")
            raise typer.Exit(INTERRUPTED) from None

    return stoppable


@app.command()
@_stoppable
def run(  # noqa: PLR0913, PLR0917 (each is an option of the command line)
    context: typer.Context,
    study: StudyArgument,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; by default one per GPU, or per core.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the report goes; by default reports/STUDY.")] = None,
    save_memory: Annotated[
        bool, typer.Option("--save-memory", help="Train in less memory, slower, with the same result.")
    ] = False,
    keep_checkpoints: Annotated[
        bool, typer.Option("--keep-checkpoints", help="Keep those of target phases after their evaluations.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Compute only what failed before and what waits for it.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="First remove what is damaged, so that it is computed again.")
    ] = False,
    limit: Annotated[
        float, typer.Option(min=0.01, help="Minutes after which a silent worker is ended and replaced.")
    ] = 30.0,
    engine: Annotated[
        str, typer.Option(metavar="local|ray|slurm", help="Where steps are computed: docs/cluster.md.")
    ] = "local",
    engine_options: Annotated[
        Path | None, typer.Option(help="A TOML file with what to ask of the cluster: docs/cluster.md.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="The Ray cluster; by default one of its own on this computer.")
    ] = None,
    track: Annotated[
        list[str],
        typer.Option(
            metavar="tensorboard|wandb|mlflow|trackio", help="Show trainings there: docs/trackers.md."
        ),
    ] = [],  # noqa: B006
) -> None:
    """Train and evaluate what is not known yet. Then write the report."""
    outcome = Study.load(study).run(
        **given(context, apart=("study", "out")),
        begun=lambda board: context.meta.update({SO_FAR: board.summary}),
    )
    say(str(outcome))
    plan, kept = outcome.plan, outcome.store
    if plan.cells:
        from xstilts.analysis.findings import Findings
        from xstilts.report import page

        findings = Findings.of(plan, kept)
        for text in (findings.answer, *findings.conditions):
            say(text)
        folder = out or Path("reports") / plan.study.name
        for path in page.write(findings, ["html", "csv"], folder):
            print(path)
    else:
        for step in plan.steps:
            print(kept.folder(step.fingerprint) or f"missing: {plan.names[step.fingerprint]}")
    if not outcome.complete:
        raise typer.Exit(1)


@app.command()
def check(
    study: StudyArgument,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    steps: Annotated[
        bool, typer.Option("--steps", help="List all that is read, the cells and every phase.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List all errors; then what there is to do, and its cost."""
    from xstilts.cli import show
    from xstilts.store import Store

    found = Study.load(study).draft(data, images, Store(store))
    if found.plan.errors:
        say(str(InputErrors(found.plan.errors)))
    show.checked(found.plan, found.store, found.sources, every_phase=steps, as_json=json)
    if found.plan.errors:
        raise typer.Exit(InputErrors.exit_status)


@app.command()
def audit(
    study: StudyArgument,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    json: JsonOption = False,
) -> None:
    """Look for leaks: evaluated rows or languages in training data."""
    from xstilts.audit import finding
    from xstilts.cli import show

    asked = Study.load(study)
    found = asked.audit(store, data, images)
    show.audit(found, asked.file, as_json=json)
    finding.refuse(found, asked.file)


@app.command()
def preregister(
    study: StudyArgument,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
) -> None:
    """Freeze claims and arms before a run. The report says what changes later."""
    frozen = Study.load(study).preregister(store, data, images)
    print(frozen.path)
    say(f"SHA-256 {frozen.hash}. Publish it with the date; leave the file beside the study.")
    if measured := frozen.content["measured"]:
        say(f"{measured} of {len(frozen.content['cells'])} cells are measured already: the file says so.")


@app.command()
def status(
    study: Annotated[
        str | None, typer.Argument(metavar="[STUDY]", help="A study; without one, those of the store.")
    ] = None,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    json: JsonOption = False,
) -> None:
    """What is done, what failed and why, what is missing. Without a study: which ones the store has."""
    from xstilts.cli import show
    from xstilts.store import Store

    if study is None:
        print_studies(Store(store).require_results(), as_json=json)
        return
    plan, kept = Study.load(study).planned(store, data, images, there=True)
    show.status(plan, kept, as_json=json)


@app.command()
def report(
    study: StudyArgument,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    to: Annotated[list[Format], typer.Option(help="A format; may be given several times.")] = [Format.HTML],  # noqa: B006
    out: Annotated[Path | None, typer.Option(help="A folder; by default reports/STUDY.")] = None,
) -> None:
    """Write what is known as a page or as tables."""
    for path in Study.load(study).report(out, store, data, images, to):
        print(path)


@app.command()
def rank(
    study: StudyArgument,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    out: Annotated[Path | None, typer.Option(help="A folder for the tables as CSV, and charts.")] = None,
    json: JsonOption = False,
) -> None:
    """Order the arms of each target by estimates, before training. Also: how good each was."""
    from xstilts.cli import show_rank

    found = Study.load(study).rank(store, data, images, report=say)
    show_rank.ranked(found, as_json=json)
    if out is not None:
        from xstilts.report import page, ranks

        for path in page.save(ranks.files(found), out):
            print(path)


@app.command()
def compare(
    study: StudyArgument,
    published: Annotated[str, typer.Argument(metavar="PUBLISHED", help="Figures of the package, or a file.")],
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    json: JsonOption = False,
) -> None:
    """Lay measured figures beside published ones. A name that does not exist lists those that do."""
    from xstilts.cli import show

    show.compared(Study.load(study).compare(published, store, data, images), as_json=json)


@app.command()
def score(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="A task, STUDY:NAME, or xtreme for a folder of its tasks.")
    ],
    predictions: Annotated[Path, typer.Argument(help="A file, or a folder with test-LANGUAGE.tsv or .json.")],
    references: Annotated[Path, typer.Argument(help="The gold values, laid out alike.")],
    language: Annotated[str | None, typer.Option(help="That of a single file; or one of a folder.")] = None,
    json: JsonOption = False,
) -> None:
    """Score predictions in XTREME's layouts, as its evaluators do."""
    from xstilts.cli import show
    from xstilts.xtreme import score as scoring

    show.scores(scoring.score(task, predictions, references, language), as_json=json)


@app.command()
def test(  # noqa: PLR0913, PLR0917 (one for each option)
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task, its file, STUDY:NAME, or a metric.")],
    systems: Annotated[
        list[str],
        typer.Argument(
            metavar="REFERENCE SYSTEM...",
            help="Predictions: PATH, or NAME=PATH,PATH for several seeds. The first is compared with.",
        ),
    ],
    references: Annotated[
        Path | None, typer.Option(help="The gold values, where they do not stand beside the predictions.")
    ] = None,
    data: DataOption = None,
    language: Annotated[list[str] | None, typer.Option(help="Only this; may be given several times.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for systems.html and systems.csv; by default none.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare any systems' predictions: intervals, p-values."""
    from xstilts.cli import show
    from xstilts.systems.test import test as compare_systems

    found = compare_systems(task, systems, references, data, language or ())
    show.systems(found.effects, (found.answer, *found.conditions), as_json=json)
    for path in found.report(out) if out is not None else ():
        print(path)


@app.command()
@_stoppable
def translate(  # noqa: PLR0913, PLR0917 (one for each option)
    context: typer.Context,
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task, a task file, or STUDY:NAME.")],
    to: Annotated[list[str], typer.Option(help="A language; may be given several times.")],
    model: Annotated[str, typer.Option(help="A translation model: a folder, or a Hub name.")],
    revision: Annotated[str | None, typer.Option(help="The commit of a Hub model.")] = None,
    data: DataOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The folder below which translated/TASK is written; by default --data."),
    ] = None,
    examples: Annotated[int | None, typer.Option(min=1, help="So many rows, drawn; by default all.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Sentences translated together.")] = 32,
    beams: Annotated[int, typer.Option(min=1, help="Width of the beam search; 1 is greedy.")] = 4,
    longest: Annotated[int, typer.Option(min=8, help="Tokens of a sentence, at the most.")] = 256,
    source_code: Annotated[str | None, typer.Option(help="The model's own code of the source.")] = None,
    target_code: Annotated[
        list[str] | None, typer.Option(help="The model's own code, for each --to.")
    ] = None,
) -> None:
    """Translate the training rows of a task into other languages."""
    from xstilts.compute import translate as translating
    from xstilts.compute.translator import Wish

    wish = Wish(**given(context, apart=("task", "to", "data", "out", "target_code")))
    for path in translating.translate_all(task, to, wish, target_code or [], (data, out)):
        print(path)


@app.command()
def tasks(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TASK]", help="One task, a task file or STUDY:NAME; or those of a STUDY, or of xtreme."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the tasks, or tell where the rows of one come from. With a study: its own tasks."""
    from xstilts.cli import show_tasks

    show_tasks.tasks(name, as_json=json)


@app.command()
def languages(json: JsonOption = False) -> None:
    """The languages, with their families and scripts."""
    from xstilts.cli import show

    show.languages(as_json=json)


@app.command()
def studies(
    name: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="Show the file of one.")] = None,
    copy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there, as a start for one of your own.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the bundled studies; show or copy one of them."""
    from xstilts.cli import show_tasks

    show_tasks.studies(name, copy, as_json=json)


for command in (export, push, share):
    app.command()(command)


def main() -> None:
    """Run a command; what a user can cause is told without a traceback."""
    try:
        app()
    except XstiltsError as error:
        say(str(error))
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
