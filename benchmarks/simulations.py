"""How often the report's intervals cover, its verdicts are false, and its collapse guard errs.

    python benchmarks/simulations.py [--scale 1.0] [--write docs/statistics.md]

Simulates studies of which everything is known (`simulated.py`) and predictions of models that learned nothing
or little (`guesses.py`), sends them through the code of the report, and counts. Takes about eight minutes of
one core; `--scale` changes the number of repetitions. With `--write` the tables replace what stands between
the two marks in that file.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import guesses
from guesses import Predictions
from simulated import Rng, Setting, arm_name, simulate, true_samples
from xstilts import lab
from xstilts.report.charts import heat_cells
from xstilts.report.claims import judge
from xstilts.report.effects import EFFECT, GAP, SCORE, SLOPE, Effects, Quantity
from xstilts.report.statistics import Estimate
from xstilts.study.claim import Claim

BEGIN, END = "<!-- figures: benchmarks/simulations.py -->", "<!-- end of figures -->"
CODES = (lab.BASE, *[code for code in lab.LANGUAGES if code != lab.BASE][:4])
QUANTITIES: dict[str, Quantity] = {"score": SCORE, "difference": EFFECT, "gap": GAP, "slope": SLOPE}

Table = list[list[str]]

CLAIMS = (
    *(Claim(says=f"{arm_name(one)} helps", arms=(arm_name(one),)) for one in range(1, 7)),
    Claim(says="three arms help", arms=("a7", "a8", "a9")),
    Claim(says="one beats another", arms=("a1",), against="a2"),
    *(Claim(says="helps there", arms=(arm_name(one),), targets=(f"t{one}",)) for one in (3, 5)),
    *(Claim(says="hurts there", arms=(arm_name(one),), targets=(f"t{one}",), relation="<") for one in (4, 6)),
)
"""Twelve claims, none of which is true or false by a margin where no arm has an effect."""


def false_verdicts(setting: Setting, studies: int) -> tuple[int, int]:
    """Of so many studies without any effect: those whose heat map, and whose claims, find one."""
    rng = generator("false verdicts", setting)
    maps = claims = 0
    for _ in range(studies):
        effects = Effects(simulate(rng, setting, CLAIMS))
        maps += any(cell["strong"] for cell in heat_cells(effects, "simulated"))
        claims += any(one.verdict != "undecided" for one in judge(effects))
    return maps, claims


def coverage(setting: Setting, studies: int) -> dict[str, tuple[int, int]]:
    """For every quantity, how many intervals cover the truth, and how many there were."""
    rng = generator("coverage", setting)
    true = Effects(true_samples(setting))
    found = dict.fromkeys(QUANTITIES, (0, 0))
    for _ in range(studies):
        effects = Effects(simulate(rng, setting))
        for name, quantity in QUANTITIES.items():
            for estimate, value in _pairs(effects, true, quantity):
                hits, count = found[name]
                found[name] = hits + (estimate.low <= value <= estimate.high), count + 1
    return found


def _pairs(effects: Effects, true: Effects, quantity: Quantity) -> Iterator[tuple[Estimate, float]]:
    """Every line's estimate with its true value."""
    for line in effects.results.lines:
        if quantity is EFFECT and line.arm == EFFECT.against:
            continue
        estimate, sample = effects.estimate(quantity, line, "t0"), true.sample(quantity, line, ("t0",))
        assert estimate is not None
        assert sample is not None
        yield estimate, float(sample.observed[0])


def power(setting: Setting, studies: int) -> tuple[float, int, int]:
    """The smallest effect that is predicted to be detected; how often it is, of how many differences."""
    rng = generator("power", setting)
    silent = [Effects(simulate(rng, setting)) for _ in range(max(20, studies // 4))]
    none = Effects(true_samples(setting))
    sizes = [one.smallest_effect for effects in silent for one, _ in _pairs(effects, none, EFFECT)]
    size = float(np.mean(sizes))
    lifted = replace(setting, lift=size)
    for _ in range(5):  # until the true effect has that size
        true = next(
            value for _, value in _pairs(Effects(true_samples(lifted)), Effects(true_samples(lifted)), EFFECT)
        )
        lifted = replace(lifted, lift=lifted.lift * size / true)
    found = [
        estimate.low > 0
        for _ in range(studies)
        for estimate, _ in _pairs(Effects(simulate(rng, lifted)), none, EFFECT)
    ]
    return size, sum(found), len(found)


def guard(make: Callable[[Rng], Predictions], key: str, runs: int) -> int:
    """How many of so many made-up runs the collapse guard marks."""
    rng = np.random.default_rng([*key.encode()])
    examined = (make(rng).examined for _ in range(runs))
    return sum(one is not None and one.why != "" for one in examined)


def generator(what: str, setting: Setting) -> Rng:
    """Random numbers that depend on what is simulated, and on nothing else."""
    return np.random.default_rng([*f"{what} {setting}".encode()])


STUDIES = (
    Setting(1, 300, 0, targets=9),
    Setting(1, 2000, 0, targets=9),
    Setting(3, 300, 0, targets=9),
    Setting(3, 300, 1, targets=9),
    Setting(3, 1000, 4, targets=9),
    Setting(5, 300, 1, targets=9),
    Setting(5, 1000, 4, targets=9),
    Setting(3, 300, 2, targets=9, uneven=True),
    Setting(1, 1000, 1, targets=9),
)
WORLDS = tuple(
    Setting(seeds, 300, spread, arms=3, languages=CODES, lift=2, fall=3)
    for spread in (0, 1, 4)
    for seeds in (2, 3, 5, 10)
)
OTHERS = (
    *(Setting(seeds, 300, 1, 3, 1, CODES, "span_f1", 2, 3) for seeds in (2, 3, 5, 10)),
    Setting(3, 1500, 1, arms=3, languages=CODES, lift=2, fall=3),
    Setting(3, 300, 2, arms=3, languages=CODES, uneven=True),
    Setting(2, 300, 4, arms=9, languages=CODES),
    Setting(2, 300, 4, arms=1, languages=CODES),
    Setting(3, 300, 4, arms=1, languages=CODES),
)
DETECTED = (Setting(1, 1000, 0, 3), Setting(3, 300, 0, 3), Setting(3, 1000, 1, 3), Setting(5, 1000, 4, 3))
GUESSING: dict[str, Callable[[Rng], Predictions]] = {
    "two even classes, n = 100": lambda rng: guesses.classified(rng, 100, guesses.BALANCED),
    "two classes 90 : 10, n = 300": lambda rng: guesses.classified(rng, 300, guesses.RARE),
    "three classes, n = 1000": lambda rng: guesses.classified(rng, 1000, guesses.THIRDS),
    **{name: guesses.COLLAPSES[name] for name in ("nearly one class of three", "names anywhere")},
    **{
        name: guesses.COLLAPSES[name]
        for name in ("parts of speech by their rates", "any words of the context")
    },
}
LEARNED: dict[str, Callable[[Rng], Predictions]] = {
    f"two even classes, n = {n}, {errors} standard errors above chance": partial(guesses.little, n, errors)
    for n in (100, 300)
    for errors in (3, 4, 5)
}


def tables(scale: float) -> Iterator[tuple[str, Table]]:
    """All figures: a title, then rows of which the first are names."""
    yield "No true effect: studies of 10 x 9 cells with a false finding", _false(round(120 * scale))
    yield "Coverage of 95 % intervals, in percent", _coverage(scale)
    yield "Power at the predicted smallest effect", _power(round(240 * scale))
    yield "Collapse guard: runs marked", _guard(round(600 * scale))
    yield "Collapse guard: notes on what is learned in part", _notes(round(100 * scale))
    yield "Collapse guard: languages called at chance, of 25 in a run", _languages(round(60 * scale))


def _false(studies: int) -> Table:
    rows = [["seeds", "examples", "spread of seeds", "studies", "in the heat map", "in twelve claims"]]
    total = np.zeros(2, dtype=int)
    for setting in STUDIES:
        found = false_verdicts(setting, studies)
        covered = setting.seeds > 1 or not setting.spread
        total += np.array(found) * covered
        rows.append(
            [*_named(setting), str(studies), *(f"{each} ({_percent(each, studies)})" for each in found)]
        )
        rows[-1][2] += "" if covered else ", not seen"
    all_of = studies * sum(1 for each in STUDIES if each.seeds > 1 or not each.spread)
    shown = (f"**{int(each)} ({_percent(int(each), all_of)})**" for each in total)
    return [*rows, ["all whose spread is seen", "", "", str(all_of), *shown]]


def _coverage(scale: float) -> Table:
    rows = [["seeds", "examples", "spread of seeds", "arms", "metric", *QUANTITIES, "intervals each"]]
    for setting in (*WORLDS, *OTHERS):
        found = coverage(setting, round(scale * (120 if setting.seeds > 5 or setting in OTHERS else 200)))
        shown = (f"{100 * hits / count:.1f}" for hits, count in found.values())
        arms = f"none + {setting.arms}"
        rows.append([*_named(setting), arms, setting.metric, *shown, str(found["difference"][1])])
    return rows


def _power(studies: int) -> Table:
    rows = [["seeds", "examples", "spread of seeds", "smallest effect, points", "detected", "of"]]
    for setting in DETECTED:
        size, hits, count = power(setting, studies)
        rows.append([*_named(setting), f"{size:.1f}", _percent(hits, count), str(count)])
    return rows


def _guard(runs: int) -> Table:
    rows = [["runs", "knows", "marked", "of"]]
    short = {name: ("nothing" if name.startswith("0") else "little") for name in guesses.SHORT}
    nothing, little = (
        {name: guesses.SHORT[name] for name in short if short[name] == word} for word in ("nothing", "little")
    )
    for knows, kinds in (("nothing", GUESSING | nothing), ("little", LEARNED | little)):
        for name, make in kinds.items():
            count = runs if "class" in name else runs // 4
            rows.append([name, knows, _percent(guard(make, name, count), count), str(count)])
    return rows


def _notes(runs: int) -> Table:
    rows = [["runs", "learned", "noted", "of"]]
    in_part = {name: make for name, (make, _) in guesses.IN_PART.items()}
    little = {f"{name}, n = 300": partial(_of_300, make) for name, make in guesses.HEALTHY.items()}
    in_part |= {name: little.pop(name) for name in list(little) if "habit" in name}
    for learned, kinds in (("in part", in_part), ("a little of all", little)):
        for name, make in kinds.items():
            rng = np.random.default_rng([*name.encode()])
            examined = [make(rng).examined for _ in range(runs)]
            noted = sum(one is not None and bool(one.why or one.notes) for one in examined)
            rows.append([name, learned, _percent(noted, runs), str(runs)])
    return rows


def _of_300(make: Callable[[Rng, int], Predictions], rng: Rng) -> Predictions:
    return make(rng, 300)


def _languages(runs: int) -> Table:
    rows = [["examples of each language", "languages that know", "called at chance", "of"]]
    shares = [*(0.0,) * 5, *(0.1,) * 5, *(0.2,) * 5, *(0.35,) * 5, *(0.6,) * 5]
    for n in (100, 300, 1000):
        rng = np.random.default_rng([*f"languages {n}".encode()])
        marked = np.array([guesses.at_chance(rng, n, shares) for _ in range(runs)])
        for place in range(0, 25, 5):
            knows = "nothing" if not shares[place] else f"{100 * shares[place]:.0f} %; the source 70 %"
            hits = int(marked[:, place : place + 5].sum())
            rows.append([str(n), knows, _percent(hits, 5 * runs), str(5 * runs)])
    return rows


def _named(setting: Setting) -> list[str]:
    spread = f"{setting.spread:g}" + (f" and {3 * setting.spread:g}" if setting.uneven else "")
    return [str(setting.seeds), str(setting.examples), spread]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def markdown(title: str, rows: Sequence[Sequence[str]]) -> str:
    """A table with its title."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"### {title}", "", lines[0], "|" + "---|" * len(rows[0]), *lines[1:], ""])


def main() -> None:
    """Simulate, print, and write the tables where asked to."""
    parser = argparse.ArgumentParser(description="Simulations of the report's statistics")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of repetitions")
    parser.add_argument("--write", type=Path, help="the file whose figures are replaced")
    options = parser.parse_args()
    started = time.process_time()
    made = []
    for title, rows in tables(options.scale):
        made.append(markdown(title, rows))
        print(made[-1], flush=True)
    print(f"{(time.process_time() - started) / 60:.1f} minutes of processor time")
    if options.write is not None:
        text = options.write.read_text(encoding="utf-8")
        before, after = text.partition(BEGIN)[0], text.partition(END)[2]
        options.write.write_text("\n".join([before + BEGIN, "", *made, END + after]), encoding="utf-8")


if __name__ == "__main__":
    main()
