"""What `xstilts rank` prints: the arms of each target, how good each estimate was, and what it took."""

from collections.abc import Iterator

import polars as pl

from xstilts.analysis.ranking import BASELINES, CHANCE, ESTIMATES, MEASURES, SHOWN, Ranking
from xstilts.analysis.wording import with_interval
from xstilts.cli.output import columns, print_json, print_lines


def ranked(found: Ranking, *, as_json: bool) -> None:
    """A table for each target with the places of its arms by each estimate, then the quality, then notes."""
    if as_json:
        content = {"order": found.order.to_dicts(), "quality": found.quality.to_dicts()}
        took = {"tokens_read": found.tokens, "tokens_to_train": found.training, "seconds": found.seconds}
        print_json(content | took | {"not_trained": found.asked.missing})
        return
    several = len(found.backbones) > 1
    for (backbone, target), rows in found.order.group_by("backbone", "target", maintain_order=True):
        print_lines([f"{target} on {backbone}" if several else str(target), *_of_target(rows), ""])
    for (backbone,), rows in found.quality.group_by("backbone", maintain_order=True):
        first = rows.row(0, named=True)
        what = f"How good each order was ({first['arms']} arms, {first['seeds']} seeds; 95 % intervals)"
        print_lines([f"{what} on {backbone}" if several else what, *_of_quality(rows), ""])
    print_lines(notes(found))


def notes(found: Ranking) -> Iterator[str]:
    """What the reading took, beside the trainings; and which arms could not be asked."""
    took = f"Read: {_millions(found.tokens)} tokens, once through, in {found.seconds:.0f} s"
    if found.training:
        share = 100 * found.tokens / found.training
        took += f"; the trainings of all pairs take {_millions(found.training)}: {share:.1f} %"
    yield f"{took}."
    if found.asked.missing:
        names = ", ".join(found.asked.missing)
        yield f"Not trained yet: {names}. LogME and H-score need what their trainings leave: `xstilts run`."
    if all(len(found.arms(backbone)) == 1 for backbone in found.backbones):
        yield "One arm: there is nothing to order."
    elif found.quality.is_empty():
        yield "No target is measured with all arms yet, so nothing tells how good these orders are."


def _of_target(rows: pl.DataFrame) -> Iterator[str]:
    """The arms by the mean place, or by size where no estimate says anything, with their places."""
    places = {
        (arm, estimate): place for arm, estimate, place in rows.select("arm", "estimate", "place").iter_rows()
    }
    arms = list(dict.fromkeys(arm for arm, _ in places))
    names = [name for name in SHOWN if any(places.get((arm, name)) for arm in arms)]
    ranked_arms = [arm for arm in arms if names and places.get((arm, names[0]))]
    lines = [
        (arm, *(str(places.get((arm, name)) or "") for name in names))
        for arm in sorted(ranked_arms, key=lambda arm: places[arm, names[0]])
    ]
    return columns([("arm", *(name.replace("_", " ") for name in names)), *lines])


def _of_quality(rows: pl.DataFrame) -> Iterator[str]:
    known = {(row["estimate"], row["measure"]): row for row in rows.to_dicts()}
    measures = [name for name in MEASURES if any(measure == name for _, measure in known)]
    lines: list[tuple[str, ...]] = [("", *(name.replace("_", " ") for name in measures), "targets")]
    for name in (*ESTIMATES, *BASELINES, CHANCE):
        if own := [known[name, measure] for measure in measures if (name, measure) in known]:
            cells = [with_interval(row["value"], row["low"], row["high"], 2) for row in own]
            lines.append((name.replace("_", " "), *cells, str(own[0]["targets"])))
    return columns(lines)


def _millions(number: int) -> str:
    return f"{number / 1e6:.2f} million" if number >= 10_000 else f"{number:,}"
