"""What commands print of a study: what there is to do, how far it is, what it found; and the languages."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING, Any

from xstilts.cli.output import gigabytes, print_json, print_lines, print_table
from xstilts.data import languages as known_languages
from xstilts.plain import by_key, say
from xstilts.run.cost import GPU, Cost, estimate, tokens_of
from xstilts.run.progress import duration
from xstilts.store import Store
from xstilts.study.phase import Phase
from xstilts.study.plan import Cell, Plan
from xstilts.study.sources import Source, grouped
from xstilts.study.step import Step
from xstilts.study.study import StudyFile

if TYPE_CHECKING:
    import polars as pl

    from xstilts.analysis.compare import Comparison
    from xstilts.audit.finding import Audit


def checked(
    plan: Plan,
    store: Store,
    read: Sequence[Source],
    *,
    every_phase: bool = False,
    as_json: bool,
) -> None:
    """The dry run, in short: cells, steps, cost, what is read instead of the release, notes. With
    `every_phase` all that is read, the grid, and the phases, summed by arm and by target and each by itself.
    `read` has the files, with the numbers of rows as far as they were counted."""
    cost = estimate(plan, store)
    steps = [_step(step, plan, store) for step in plan.steps]
    if as_json:
        print_json(
            {
                "study": plan.study.name,
                "question": plan.study.question,
                "cells": [_cell(cell, plan, store) for cell in plan.cells],
                "steps": steps,
                "data": [asdict(one) for one in read],
                "notes": plan.notes,
                "estimate": {
                    "tokens": cost.tokens,
                    "phases_of_unknown_size": cost.unknown,
                    "tokens_per_second": cost.tokens_per_second,
                    "seconds_of_one_worker": cost.seconds,
                    "measured_on": cost.hardware,
                    "stated_gpu_seconds": cost.gpu_seconds,
                    "stated_gpu": GPU,
                    "memory_bytes": cost.memory,
                    "memory_is_measured": cost.measured_memory,
                },
            }
        )
        return
    shown = [group for group in grouped(read) if every_phase or group.release or group.instead]
    print_lines(
        [
            f"{plan.study.name}: {plan.study.question}",
            *_summary(plan, steps, store, cost),
            *(f"Data: {group}." for group in shown),
            *(f"Note: {note}." for note in plan.notes),
        ]
    )
    if not every_phase:
        print("`xstilts check STUDY --steps` lists arms, targets, all that is read, and every phase.")
        return
    _print_grid(plan, store)
    if left := [step for step in steps if step["kind"] == "phase" and not step["done"]]:
        _print_trainings(plan, left, store, cost.tokens_per_second)
        keys = ("name", "fingerprint", "cells")
        listed = [(*(step[key] for key in keys), _thousands(step["tokens"])) for step in left]
        print_table(("phase to train", "fingerprint", "cells", "tokens (estimate)"), listed)


def _summary(plan: Plan, steps: Sequence[Mapping[str, Any]], store: Store, cost: Cost) -> Iterator[str]:
    """Cells, steps, cost and memory, a line each."""
    if plan.cells:
        done = sum(store.done(plan.by_fingerprint[cell.evaluation]) for cell in plan.cells)
        parts = (
            (len(plan.study.backbones), "backbones"),
            (len(plan.study.intermediate.arms), "arms"),
            (len({cell.target for cell in plan.cells}), "targets"),
            (len(plan.study.target.seeds), "seeds"),
        )
        told = ", ".join(f"{number} {noun if number != 1 else noun[:-1]}" for number, noun in parts)
        beside = f"; references: {', '.join(plan.study.references)}" if plan.study.references else ""
        yield f"Cells: {len(plan.cells)}, of which {done} are done ({told}{beside})."
    left = list[str]()
    for kind, purpose in (("backbone", " to make"), ("phase", " to train"), ("evaluation", "")):
        of_kind = [step for step in steps if step["kind"] == kind and not step["done"]]
        shared = sum(step["cells"] > 1 for step in of_kind)
        if of_kind:
            several = f"{len(of_kind)} {kind}{'s' * (len(of_kind) > 1)}{purpose}"
            left.append(several + f" ({shared} shared by cells)" * (kind == "phase" and shared > 0))
    found = sum(step["done"] for step in steps)
    yield f"To do: {', '.join(left) or 'nothing'}; {found} of {len(steps)} steps are in the store."
    if not any(step["kind"] == "phase" and not step["done"] for step in steps):
        return
    more = f", and {cost.unknown} phases whose data must be fetched to know" if cost.unknown else ""
    yield f"Training: about {_thousands(cost.tokens)} tokens (estimate){more}."
    if cost.seconds is not None:
        on = f" on {cost.hardware}" if cost.hardware else ""
        yield f"Time: about {duration(cost.seconds)} of one worker, as measured in this store{on}."
    elif cost.gpu_seconds is None:
        yield "Time: unknown, for the size of a backbone is; it is told once a phase is in the store."
    else:
        hours = cost.gpu_seconds / 3600
        gpu = f"about {hours:,.2g}" if hours >= SMALLEST else f"under {SMALLEST}"
        core = f", or {duration(cost.core_seconds)} of a core" if cost.core_seconds < CORE_MOST else ""
        yield (
            f"Time: {gpu} GPU hours{core}, evaluations left out: stated, not measured ({GPU} at 40 % of its "
            "peak). Once a phase is in the store, it is as measured."
        )
    if cost.memory is not None:
        how = (
            "as measured in this store"
            if cost.measured_memory
            else "stated: weights and moments; activations add"
        )
        yield f"Memory: about {gigabytes(round(cost.memory))} a worker ({how})."


CORE_MOST, SMALLEST = 1000 * 3600, 0.1
"""Seconds of a core, and hours of a GPU, between which there is something to tell."""


def status(plan: Plan, store: Store, *, as_json: bool) -> None:
    """How far a study is, and what failed."""
    cells = [_cell(cell, plan, store) for cell in plan.cells]
    failures = [store.failure(step.fingerprint) for step in plan.steps if not store.done(step)]
    failed = [failure for failure in failures if failure is not None]
    answered, read_with = "", list[str]()
    if any(cell["state"] == "done" for cell in cells):
        from xstilts.analysis.findings import Findings

        answered, read_with = Findings.of(plan, store).known_headline
    if as_json:
        told = [
            {"name": plan.names[one.fingerprint], "fingerprint": one.fingerprint, "message": one.message}
            for one in failed
        ]
        print_json({"study": plan.study.name, "cells": cells, "failures": told, "conditions": read_with})
        return
    _print_grid(plan, store)
    counts = Counter(cell["state"] for cell in cells)
    words = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    print_lines(
        [
            f"Cells: {words or 'none'}.",
            *([answered, *read_with] if answered else []),
            *(f"failed: {plan.names[one.fingerprint]} ({one.fingerprint}): {one.message}" for one in failed),
        ]
    )


def audit(found: "Audit", study: StudyFile, *, as_json: bool) -> None:
    """What the leak audit found; each leak with the reason for which the study allows it, if it does."""
    from xstilts.audit import finding

    if as_json:
        told = [asdict(one) | {"allowed": finding.reason(one, study.allowed)} for one in found.findings]
        print_json({"study": study.name} | found.to_json() | {"findings": told})
        return
    print_lines(finding.lines(found, study))


def scores(found: Mapping[str, Any], *, as_json: bool) -> None:
    """What `score` found: a row for each language and the average; for XTREME a row for each task."""
    if as_json:
        print_json(found)
        return
    if "tasks" in found:
        rows = [
            (name, str(len(one["languages"])), f"{one['score']:z.1f}") for name, one in found["tasks"].items()
        ]
        rows += [(group, "", f"{value:z.1f}") for group, value in found["overall"].items()]
        print_table(("task or group", "languages", "score"), rows)
        return
    measures = list(found["average"])
    lines = [*found["languages"].items(), ("average", found["average"])]
    rows = [(code, *(f"{one[name]:z.2f}" for name in measures)) for code, one in lines]
    print_table(("language", *measures), rows)


def compared(found: "Comparison", *, as_json: bool) -> None:
    """Published and measured scores and settings side by side, and what has no counterpart."""
    if as_json:
        print_json(found.to_json())
        return
    about = found.published
    facts = {"source": about.source, "split": about.split, "setting": about.setting}
    stated = (f"{name}: {text}" for name, text in facts.items() if text)
    print_lines([f"{found.study} beside: {about.title}", *stated])
    if found.pairs:
        head = ("model", "backbone", "arm", "target", "language", "metric", "status", "published", "measured")
        rows = [
            (
                *(one.model, one.backbone, one.arm, one.target, one.language, one.metric, one.status),
                *(f"{one.published:z.1f}", one.shown, f"{one.difference:+z.1f}", WITHIN[one.within]),
            )
            for one in found.pairs
        ]
        print_table((*head, "difference", "published within"), rows)
    if found.choices:
        chosen = [
            (one.target, one.setting, _short(one.published), _short(*one.study), WITHIN[one.same])
            for one in found.choices
        ]
        print_table(("target", "setting", "published", "study", "same"), chosen)
    if found.without:
        print_table(("without counterpart", "why"), [(one.what, one.why) for one in found.without])


def systems(effects: "pl.DataFrame", told: Sequence[str], *, as_json: bool) -> None:
    """Systems by groups of languages on standard output; what has to be read with it on standard error."""
    from xstilts.analysis.systems import grouped
    from xstilts.analysis.wording import bounds, number

    if as_json:
        print_json(effects.to_dicts())
        return
    rows = []
    for level in ("transfer", "family", "language"):
        for where, system, score, one in grouped(effects, level):
            shown = ["reference", "", "", "", ""]
            if one is not None:
                shown = [
                    number(one["estimate"], signed=True),
                    bounds(one["low"], one["high"]),
                    *(f"{one[name]:.2g}" for name in ("p", "p_corrected")),
                    number(one["smallest_effect"]),
                ]
            numbers = (number(score["estimate"]), bounds(score["low"], score["high"]))
            rows.append((where, system, *numbers, *shown, score["seeds"]))
    head = ("languages", "system", "score", "", "difference", "", "p", "corrected", "detectable", "seeds")
    print_table(head, rows)
    for text in told:
        say(text)


def languages(*, as_json: bool) -> None:
    """All languages of the package."""
    found = known_languages.all_languages()
    if as_json:
        fields = ("code", "name", "family", "script", "size")
        print_json([{name: getattr(one, name) for name in fields} for one in found])
        return
    rows = [(one.code, one.name, one.family, one.script) for one in found]
    print_table(("code", "language", "family", "script"), rows)


WITHIN = {True: "yes", False: "no", None: ""}
STATES = ("done", "running", "failed", "open")


def _cell(cell: Cell, plan: Plan, store: Store) -> dict[str, Any]:
    state = store.state(plan.chain(cell))
    return {**cell.named, "state": state, "evaluation": cell.evaluation, "phases": list(cell.phases)}


def _step(step: Step, plan: Plan, store: Store) -> dict[str, Any]:
    phase = isinstance(step.specification, Phase)
    return {
        "name": plan.names[step.fingerprint],
        "kind": step.kind,
        "fingerprint": step.fingerprint,
        "parents": list(step.parents),
        "done": store.done(step),
        "cells": plan.users[step.fingerprint],
        "tokens": tokens_of(step, plan.places) if phase else None,
    }


def _print_grid(plan: Plan, store: Store) -> None:
    """Arms x targets: how many cells of each are done; nothing where there are no cells."""
    done: dict[tuple[str, ...], list[bool]] = {}
    for cell in plan.cells:
        known = {"": "", "random": " (random weights)"}.get(cell.reference, f" ({cell.reference})")
        line = ("", "majority") if cell.reference == "majority" else (cell.backbone, f"{cell.arm}{known}")
        done.setdefault((*line, cell.target), []).append(store.done(plan.by_fingerprint[cell.evaluation]))
    counts = {key: f"{sum(known)} of {len(known)}" for key, known in done.items()}
    targets = list(dict.fromkeys(target for _, _, target in counts))
    lines = dict.fromkeys((backbone, arm) for backbone, arm, _ in counts)
    if lines:
        rows = [(*line, *(counts.get((*line, target), "") for target in targets)) for line in lines]
        print_table(("backbone", "arm", *targets), rows)


def _print_trainings(
    plan: Plan, left: Sequence[Mapping[str, Any]], store: Store, speed: float | None
) -> None:
    """The phases to train, by backbone and arm, and by target: their number, tokens and what they leave on
    the disk while they are needed; their time where finished phases of the plan tell how fast they are."""
    places: dict[str, tuple[str, str, str]] = {}
    for cell in plan.cells:
        arm = f"{cell.arm} (random weights)" if cell.reference == "random" else cell.arm
        before = plan.intermediate(cell)
        for phase in cell.phases:
            target = "(intermediate)" if phase in before else cell.target
            places.setdefault(phase, (cell.backbone, arm, target))
    placed = [(places.get(step["fingerprint"], ("", step["name"], "")), step) for step in left]
    parameters = [(store.record(step.fingerprint) or {}).get("parameters", 0) for step in plan.steps]
    known = [number for number in parameters if number]
    size = 4 * median(known) if known else None  # of a checkpoint in float32, as finished phases tell
    for names, part in ((("backbone", "arm"), slice(0, 2)), (("target",), slice(2, 3))):
        together = by_key((place[part], step) for place, step in placed)
        lines = [(*key, *_summed(steps, speed, size)) for key, steps in together.items()]
        head = [*names, "trainings", "shared by cells", "tokens (estimate)"]
        head += ["time of one worker"] * (speed is not None) + ["checkpoints"] * (size is not None)
        print_table(head, lines)


def _summed(steps: Sequence[Mapping[str, Any]], speed: float | None, size: float | None) -> Iterator[str]:
    tokens = None if any(step["tokens"] is None for step in steps) else sum(step["tokens"] for step in steps)
    yield from (str(len(steps)), str(sum(step["cells"] > 1 for step in steps)), _thousands(tokens))
    if speed is not None:
        yield "unknown" if tokens is None else duration(tokens / speed)
    if size is not None:
        yield f"{len(steps) * size / 1e9:.1f} GB"


def _thousands(number: int | None) -> str:
    return "unknown" if number is None else f"{float(f'{number:.2g}'):,.0f}"


def _short(*values: float | str) -> str:
    return ", ".join(one if isinstance(one, str) else f"{one:g}" for one in values) or "none"
