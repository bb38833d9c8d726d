"""How often the report's intervals cover, its verdicts are false, and its collapse guard errs.

    python benchmarks/simulations.py [--scale 1.0] [--write docs/statistics.md]

Simulates studies of which everything is known (`simulated.py`) and predictions of models that learned nothing
or little (`guesses.py`), sends them through the code of the report, and counts. Takes about fifty minutes of
one core; `--scale` changes the number of repetitions. With `--write` the tables replace what stands between
the two marks in that file.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

import guesses
from guesses import Predictions
from simulated import RETRIEVAL, Rng, Setting, arm_name, simulate, true_samples
from xstilts import lab
from xstilts.analysis import transfer
from xstilts.analysis.claims import judge
from xstilts.analysis.effects import EFFECT, GAP, SCORE, SLOPE, Effects, Quantity
from xstilts.analysis.statistics import Estimate
from xstilts.study.claim import Claim

BEGIN, END = "<!-- figures: benchmarks/simulations.py -->", "<!-- end of figures -->"
CODES = (lab.BASE, *[code for code in lab.LANGUAGES if code != lab.BASE][:4])
QUANTITIES: dict[str, Quantity] = {"score": SCORE, "difference": EFFECT, "gap": GAP, "slope": SLOPE}

Table = list[list[str]]
NAMED = ("seeds", "examples", "spread of seeds", "arms", "targets x languages", "beside")

CLAIMS = (
    *(Claim(says=f"{arm_name(one)} helps", arms=(arm_name(one),)) for one in range(1, 7)),
    Claim(says="three arms help", arms=("a7", "a8", "a9")),
    Claim(says="one beats another", arms=("a1",), against="a2"),
    *(Claim(says="helps there", arms=(arm_name(one),), targets=(f"t{one}",)) for one in (3, 5)),
    *(Claim(says="hurts there", arms=(arm_name(one),), targets=(f"t{one}",), relation="<") for one in (4, 6)),
)
"""Twelve claims, none of which is true or false by a margin where no arm has an effect."""


def claims_of(setting: Setting) -> tuple[Claim, ...]:
    """Claims, none of which is true or false by a margin where no arm has an effect: the twelve, or fewer."""
    if setting.arms >= 9 and setting.targets >= 7:
        return CLAIMS
    arms = [arm_name(one) for one in range(1, setting.arms + 1)]
    return (
        *(Claim(says=f"{arm} helps", arms=(arm,)) for arm in arms),
        *(
            Claim(says=f"{arm} helps in {one}", arms=(arm,), targets=(one,))
            for arm in arms
            for one in setting.names
        ),
    )


def false_verdicts(setting: Setting, studies: int) -> tuple[int, int]:
    """Of so many studies: those whose heat map, and whose claims, find an effect."""
    rng = generator("false verdicts", setting)
    maps = claims = 0
    for _ in range(studies):
        effects = Effects(simulate(rng, setting, claims_of(setting)))
        maps += any(cell.strong for cell in transfer.maps(effects)["simulated"])
        claims += any(one.verdict != "undecided" for one in judge(effects))
    return maps, claims


@dataclass(frozen=True)
class Asked:
    """Of which estimates the coverage is measured: of a target, of all arms or of these."""

    setting: Setting
    target: str = "t0"
    arms: tuple[int, ...] = ()


def coverage(asked: Asked, studies: int) -> dict[str, tuple[int, int]]:
    """For every quantity, how many intervals cover the truth, and how many there were."""
    rng = generator("coverage", asked.setting)
    true = Effects(true_samples(asked.setting))
    found = dict.fromkeys(QUANTITIES, (0, 0))
    for _ in range(studies):
        effects = Effects(simulate(rng, asked.setting))
        for name, quantity in QUANTITIES.items():
            for estimate, value in _pairs(effects, true, quantity, asked):
                hits, count = found[name]
                found[name] = hits + (estimate.low <= value <= estimate.high), count + 1
    return found


def _pairs(
    effects: Effects, true: Effects, quantity: Quantity, asked: Asked
) -> Iterator[tuple[Estimate, float]]:
    """The estimates that are asked for with their true values; a single language has no gap, for one."""
    arms = {arm_name(one) for one in asked.arms or range(asked.setting.arms + 1)}
    for line in (line for line in effects.results.lines if line.arm in arms):
        if quantity is EFFECT and line.arm == EFFECT.against:
            continue
        estimate = effects.estimate(quantity, line, asked.target)
        sample = true.sample(quantity, line, (asked.target,))
        if estimate is not None and sample is not None:
            yield estimate, float(sample.observed[0])


def power(setting: Setting, studies: int) -> tuple[float, int, int]:
    """The smallest effect that is predicted to be detected; how often it is, of how many differences."""
    rng, asked = generator("power", setting), Asked(setting)
    silent = [Effects(simulate(rng, setting)) for _ in range(max(20, studies // 4))]
    none = Effects(true_samples(setting))
    sizes = [one.smallest_effect for effects in silent for one, _ in _pairs(effects, none, EFFECT, asked)]
    size = float(np.mean(sizes))
    lifted = replace(setting, lift=size)
    for _ in range(5):  # until the true effect has that size
        true = Effects(true_samples(lifted))
        value = next(value for _, value in _pairs(true, true, EFFECT, asked))
        lifted = replace(lifted, lift=lifted.lift * size / value)
    found = [
        estimate.low > 0
        for _ in range(studies)
        for estimate, _ in _pairs(Effects(simulate(rng, lifted)), none, EFFECT, asked)
    ]
    return size, sum(found), len(found)


def best(setting: Setting, studies: int) -> tuple[float, int]:
    """What the claim that the best arm is better estimates on average, and how often it is confirmed."""
    arms = tuple(arm_name(one) for one in range(1, setting.arms + 1))
    claim = Claim(says="the best arm helps", quantity="best_difference", arms=arms)
    rng = generator("best", setting)
    found = [judge(Effects(simulate(rng, setting, (claim,))))[0] for _ in range(studies)]
    estimates = [one.effect for one in found if one.effect is not None]
    return float(np.mean(estimates)), sum(one.verdict == "confirmed" for one in found)


def guard(make: Callable[[Rng], Predictions], key: str, runs: int) -> int:
    """How many of so many made-up runs the collapse guard marks."""
    rng = np.random.default_rng([*key.encode()])
    examined = (make(rng).examined for _ in range(runs))
    return sum(one is not None and one.why != "" for one in examined)


def generator(what: str, setting: Setting) -> Rng:
    """Random numbers that depend on what is simulated, and on nothing else."""
    return np.random.default_rng([*f"{what} {setting}".encode()])


STUDIES = (
    Setting(1, 300, targets=9),
    Setting(1, 2000, targets=9),
    Setting(3, 300, targets=9),
    Setting(3, 300, 1, targets=9),
    Setting(3, 1000, 4, targets=9),
    Setting(5, 300, 1, targets=9),
    Setting(5, 1000, 4, targets=9),
    Setting(3, 300, 2, targets=9, uneven=True),
    Setting(3, 1000, 0.5, targets=9, restless=3),
    Setting(3, 300, 1, targets=9, chain=1),
)
"""Many arms and targets."""
SMALL = (
    *(Setting(seeds, 1000, 2, arms=1) for seeds in (2, 3, 5)),
    *(Setting(seeds, 1000, 2, arms=1, retrieval=True) for seeds in (2, 3, 5)),
    *(Setting(seeds, 1000, arms=1, spreads=(0.3, 0.5, 1, 3)) for seeds in (2, 3, 5)),
    *(Setting(seeds, 1000, 1, arms=1, chain=1) for seeds in (2, 3)),
    *(Setting(seeds, 1000, 1, arms=3, chain=1, retrieval=True) for seeds in (2, 3)),
    *(Setting(3, n, 1, arms=1, level=level) for n in (20, 50) for level in (50, 92)),
    Setting(3, 300, 1, arms=3, languages=CODES, common=0.4),
)
"""`none` and one arm, or three."""
UNSEEN = (
    Setting(1, 1000, 1, targets=9),
    Setting(3, 1000, 1, arms=1, chain=1, once=True),
)
"""Chance that is not measured, as the report says."""
WORLDS = tuple(
    Setting(seeds, 300, spread, arms=3, languages=CODES, lift=2, fall=3)
    for spread in (0, 1, 4)
    for seeds in (2, 3, 5, 10)
)
ONE_OF_NINE = Setting(3, 1000, 0.5, restless=3)
UNLIKE = Setting(3, 1000, arms=1, spreads=(0.3, 0.5, 1, 3))
COVERED = (
    *map(Asked, WORLDS),
    *(Asked(Setting(seeds, 300, 1, 3, 1, CODES, "span_f1", 2, 3)) for seeds in (2, 3, 5, 10)),
    Asked(Setting(3, 1500, 1, arms=3, languages=CODES, lift=2, fall=3)),
    Asked(Setting(3, 300, 2, arms=3, languages=CODES, uneven=True)),
    *(Asked(Setting(2, 300, 4, arms=arms, languages=CODES)) for arms in (9, 1)),
    Asked(Setting(3, 300, 4, arms=1, languages=CODES)),
    *(Asked(replace(UNLIKE, seeds=seeds), "t3") for seeds in (2, 3, 5)),
    *(Asked(replace(ONE_OF_NINE, seeds=seeds), arms=(9,)) for seeds in (2, 3, 5)),
    *(Asked(Setting(seeds, 1000, 1, arms=1, chain=1, retrieval=True), RETRIEVAL) for seeds in (2, 3)),
    *(Asked(Setting(seeds, 1000, 1, arms=3, chain=1)) for seeds in (2, 3)),
    *(
        Asked(Setting(3, n, 1, arms=1, languages=languages, level=level))
        for n in (20, 50)
        for languages, level in ((CODES[:1], 50), (CODES[:1], 92), (CODES, 92))
    ),
    *(Asked(Setting(1, n, arms=1, level=92)) for n in (20, 50)),
    *(Asked(Setting(3, 1000, spread, arms=3, languages=CODES, common=0.4)) for spread in (0, 1)),
)
PLANTED = (Setting(3, 300, 1, targets=9, lift=30), Setting(3, 1000, 2, arms=1, lift=30))
DETECTED = (Setting(1, 1000, 0, 3), Setting(3, 300, 0, 3), Setting(3, 1000, 1, 3), Setting(5, 1000, 4, 3))
CONTESTS = (Setting(2, 300, 2), Setting(3, 1000, 2), Setting(3, 300), Setting(5, 1000, 2))
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
    yield "No true effect: studies of 10 x 9 cells with a false finding", _false(STUDIES, round(60 * scale))
    yield "No true effect: small studies with a false finding", _false(SMALL, round(400 * scale))
    yield "No true effect, and chance that is not measured", _false(UNSEEN, round(60 * scale))
    yield "A true effect of 30 points: studies that find it", _false(PLANTED, round(20 * scale))
    yield "Coverage of 95 % intervals, in percent", _coverage(scale)
    yield "Power at the predicted smallest effect", _power(round(240 * scale))
    yield "The best of nine arms without effect", _best(round(60 * scale))
    yield "Collapse guard: runs marked", _guard(round(600 * scale))
    yield "Collapse guard: notes on what is learned in part", _notes(round(100 * scale))
    yield "Collapse guard: languages called at chance, of 25 in a run", _languages(round(60 * scale))


def _false(settings: Sequence[Setting], studies: int) -> Table:
    rows = [[*NAMED, "studies", "in the heat map", "in the claims"]]
    total = np.zeros(2, dtype=int)
    for setting in settings:
        found = false_verdicts(setting, studies)
        total += found
        rows.append(
            [*_named(setting), str(studies), *(f"{each} ({_percent(each, studies)})" for each in found)]
        )
    of = studies * len(settings)
    shown = (f"**{int(each)} ({_percent(int(each), of)})**" for each in total)
    return [*rows, ["all", *[""] * (len(NAMED) - 1), str(of), *shown]]


def _coverage(scale: float) -> Table:
    rows = [[*NAMED, "asked", *QUANTITIES, "differences"]]
    for asked in COVERED:
        setting = asked.setting
        studies = (400 if setting.arms == 1 else 200) * (0.5 if setting in WORLDS else 1)
        found = coverage(asked, round(scale * studies * (0.6 if setting.seeds > 5 else 1)))
        shown = (f"{100 * hits / count:.1f}" if count else "-" for hits, count in found.values())
        what = ", ".join([asked.target, *map(arm_name, asked.arms)])
        rows.append([*_named(setting), what, *shown, str(found["difference"][1])])
    return rows


def _power(studies: int) -> Table:
    rows = [[*NAMED, "smallest effect, points", "detected", "of"]]
    for setting in DETECTED:
        size, hits, count = power(setting, studies)
        rows.append([*_named(setting), f"{size:.1f}", _percent(hits, count), str(count)])
    return rows


def _best(studies: int) -> Table:
    rows = [[*NAMED, "mean estimate, points", "confirmed", "of"]]
    for setting in CONTESTS:
        value, hits = best(setting, studies)
        rows.append([*_named(setting), f"{value:+.1f}", _percent(hits, studies), str(studies)])
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
    return [
        str(setting.seeds),
        f"{setting.examples}" + (f", {setting.level:g} % right" if setting.level != 50 else ""),
        _spread(setting),
        f"none + {setting.arms}",
        f"{len(setting.names)} x {len(setting.languages)}" + (", with retrieval" * setting.retrieval),
        ", ".join(_particulars(setting)) or "-",
    ]


def _spread(setting: Setting) -> str:
    if setting.spreads:
        return ", ".join(f"{one:g}" for one in setting.spreads)
    other = 3 * setting.spread if setting.uneven else setting.restless
    return f"{setting.spread:g}" + (f" and {other:g}" if other is not None else "")


def _particulars(setting: Setting) -> Iterator[str]:
    if setting.metric != "accuracy":
        yield setting.metric
    if setting.chain:
        yield f"intermediate {setting.chain:g}" + (", one for all seeds" * setting.once)
    if setting.common < 1:
        yield f"{100 * setting.common:g} % of examples in common, in other order"


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
