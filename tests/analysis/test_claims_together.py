"""Claims on several opponents, on what is gained more, over axes, and on the best arm."""

from dataclasses import replace

import numpy as np
import pytest

from xstilts import lab
from xstilts.analysis.claims import judge, lines_of
from xstilts.analysis.effects import Effects, Quantity
from xstilts.analysis.results import Line, Results
from xstilts.study.claim import Claim

from .numbered import SHARE, SIZE, SIZES, claiming

G, S = ("x-ga", "x-gb"), ("x-sa", "x-sb")
OTHER = tuple(code for code in lab.LANGUAGES if code not in (*G, lab.BASE))
GROWS = {"says": "grows", "quantity": "slope_over_axis", "axis": SIZE.name}


def judged(world, *claims):
    return judge(Effects(claiming(world, *claims).results))


def stored(world, arm, target, languages):
    table = world.results.table.filter(arm=arm, target=target)
    return table.filter(table["language"].is_in(languages))["value"].mean()


def test_every_opponent_must_be_beaten(numbered_world):
    claim = Claim(says="best", arms=("n8000",), against=("none", "n125"), targets=("lab_nli",))
    (won,) = judged(numbered_world, claim)
    assert won.verdict == "confirmed"
    assert [part.name for part in won.parts] == ["n8000 − none", "n8000 − n125"]
    assert "n8000 − none: +" in won.evidence
    assert "n8000 − n125: +" in won.evidence
    arms = ("n250",)
    (lost,) = judged(numbered_world, claim.changed(arms=arms, against=("none", "n8000")))
    assert lost.verdict == "refuted"
    assert lost.effect == pytest.approx(
        np.mean([stored(numbered_world, "n250", "lab_nli", [code]) for code in (*G, *OTHER)])
        - np.mean([stored(numbered_world, "n8000", "lab_nli", [code]) for code in (*G, *OTHER)])
    )


def test_a_list_of_one_is_that_one(numbered_world):
    claim = Claim(says="so", arms=("n8000",), against="n125")
    one, other = judged(numbered_world, claim, claim.changed(against=("n125",)))
    assert (one.effect, one.low, one.high, one.evidence) == (
        other.effect,
        other.low,
        other.high,
        other.evidence,
    )


def test_what_other_targets_gain_is_subtracted(numbered_world):
    claim = Claim(
        says="NLI gains more than retrieval",
        arms=("n8000",),
        targets=("lab_nli", "lab_ner"),
        against_targets=("lab_tatoeba",),
    )
    more, less = judged(numbered_world, claim, claim.changed(relation="<"))
    assert [more.verdict, less.verdict] == ["confirmed", "refuted"]
    effects = Effects(numbered_world.results)
    line = Line("lab-mini", "n8000")
    gains = [effects.estimate(Quantity("difference"), line, one).value for one in ("lab_nli", "lab_ner")]
    retrieval = effects.estimate(Quantity("difference"), line, "lab_tatoeba").value
    assert more.effect == pytest.approx(np.mean(gains) - retrieval)
    assert more.evidence == (
        "Difference on lab_nli, lab_ner less lab_tatoeba (7 languages, 3 seeds), n8000 − none."
    )


@pytest.mark.parametrize(
    ("languages", "compared", "own", "other"),
    [
        (("family:Lab G",), "others", G, OTHER),
        (("family:Lab G",), ("family:Lab S",), G, S),
        (("family:Lab G", "x-ia"), ("x-sa",), (*G, "x-ia"), ("x-sa",)),
        ("source", "transfer", (lab.BASE,), (*G, *OTHER)),
    ],
)
def test_what_other_languages_gain_is_subtracted(numbered_world, languages, compared, own, other):
    claim = Claim(
        says="more", arms=("g50",), targets=("lab_ner",), languages=languages, against_languages=compared
    )
    (found,) = judged(numbered_world, claim)
    gains = [
        stored(numbered_world, "g50", "lab_ner", codes) - stored(numbered_world, "none", "lab_ner", codes)
        for codes in (own, other)
    ]
    assert found.effect == pytest.approx(gains[0] - gains[1])
    count = f"{len(own)} language{'s' if len(own) > 1 else ''} less {len(other)}"
    assert f"on lab_ner ({count}, 3 seeds)" in found.evidence


def test_a_family_does_not_stand_for_its_source_language(numbered_world):
    target = numbered_world.results.target("lab_nli")
    assert target.select(("family:Lab G",)) == G
    assert target.select(("family:Lab G", lab.BASE)) == (lab.BASE, *G)
    assert target.select(("family:Turkic",)) == ()


def test_families_seen_gain_more(numbered_world):
    claims = [
        Claim(
            says="more",
            quantity="slope_over_axis",
            axis=SHARE.name,
            group=f"Lab {letter}",
            languages=(f"family:Lab {own}",),
            against_languages="others",
        )
        for letter, own in (("G", "G"), ("S", "S"), ("G", "S"))
    ]
    seen_g, seen_s, unseen = judged(numbered_world, *claims)
    assert [seen_g.verdict, seen_s.verdict] == ["confirmed", "confirmed"]
    assert unseen.verdict != "confirmed"
    assert seen_g.evidence == (
        "Score: slope per unit on lab_nli, lab_ner, lab_tatoeba (2 languages less 5, 3 seeds), "
        "percent of another family, Lab G."
    )


def test_slopes_are_judged_in_both_directions(numbered_world):
    claims = [
        Claim(**GROWS, targets=("lab_ner",)),
        Claim(**GROWS, targets=("lab_ner",), relation="<"),
        Claim(**GROWS, targets=("lab_ner",), margin=4.0),
        Claim(**GROWS, targets=("lab_ner",), margin=9.0),
        Claim(**GROWS, targets=("lab_tatoeba",), relation="=", margin=2.0),
    ]
    found = judged(numbered_world, *claims)
    words = [one.verdict for one in found]
    assert words == ["confirmed", "refuted", "confirmed", "refuted", "confirmed"]
    x = np.log2(list(SIZES.values()))
    scores = [stored(numbered_world, arm, "lab_ner", [*G, *OTHER]) for arm in SIZES]
    assert found[0].effect == pytest.approx(np.polyfit(x, scores, 1)[0])
    assert found[0].evidence == (
        "Score: slope per doubling on lab_ner (7 languages, 3 seeds), English examples of lab_nli."
    )


def test_the_planted_curves_are_confirmed(numbered_world):
    fits = {"says": "fits", "quantity": "fit_advantage", "axis": SIZE.name}
    saturates, grows = judged(
        numbered_world,
        Claim(**fits, targets=("lab_nli",)),
        Claim(**fits, targets=("lab_ner",)),
    )
    assert saturates.verdict == "confirmed"
    assert grows.verdict != "confirmed"
    assert saturates.evidence.startswith("Score: advantage of a power law over a logarithm,")


def test_the_best_arm_is_named(numbered_world):
    claim = Claim(says="best", quantity="best_difference", arms=tuple(SIZES), targets=("lab_nli", "lab_ner"))
    high, low = judged(numbered_world, claim.changed(margin=10.0), claim.changed(margin=60.0))
    assert [high.verdict, low.verdict] == ["confirmed", "refuted"]
    assert len(high.parts) == 1
    assert "that other seeds choose on the other half of the test examples" in high.evidence
    assert "the best of 8 arms − none. Chosen: lab_nli: n" in high.evidence
    assert "lab_ner: n8000." in high.evidence


def test_targets_without_the_languages_are_left_out(numbered_world):
    claim = Claim(says="source", arms=("n8000",), languages="transfer", against_languages="source")
    (found,) = judged(numbered_world, claim)
    assert "on lab_nli, lab_ner (" in found.evidence  # retrieval has no source language
    assert found.effect is not None


def test_missing_results_leave_an_axis_undecided(numbered_world):
    claims = (
        Claim(**GROWS),
        Claim(says="best", quantity="best_difference", arms=tuple(SIZES)),
        Claim(says="share", quantity="slope_over_axis", axis=SHARE.name),
    )
    plan = claiming(numbered_world, *claims).plan
    cells = tuple(cell for cell in plan.cells if cell.arm != "n500")
    found = judge(Effects(Results(replace(plan, cells=cells), numbered_world.store)))
    assert [one.effect is None for one in found] == [True, True, False]
    assert found[0].evidence == "Results are missing for English examples of lab_nli."
    assert found[1].evidence == "Results are missing for the best of 8 arms."


def test_a_second_backbone_is_judged_too(numbered_world):
    plan = claiming(numbered_world, Claim(**GROWS, targets=("lab_ner",))).plan
    again = tuple(replace(cell, backbone="other") for cell in plan.cells)
    (found,) = judge(Effects(Results(replace(plan, cells=plan.cells + again), numbered_world.store)))
    assert len(found.parts) == 2
    assert "English examples of lab_nli on other: +" in found.evidence


def test_everything_that_a_claim_compares_is_known(numbered_world):
    effects = Effects(numbered_world.results)

    def names(claim):
        return [line.arm for line in lines_of(effects, claim)]

    assert names(Claim(arms=("n250", "n500"), against=("none", "n125"))) == ["n250", "none", "n125", "n500"]
    assert names(Claim(arms=("n250",), quantity="gap")) == ["n250"]
    assert names(Claim(quantity="slope_over_axis", axis=SHARE.name, group="Lab G")) == [
        "english",
        "g10",
        "g25",
        "g50",
    ]
    assert names(Claim(quantity="best_difference", arms=("n250", "n500"))) == ["n250", "none", "n500"]


def two_backbones(world):
    """Beside the world's backbone another, on which 8,000 examples do what 125 do on the first."""
    cells = {(cell.arm, cell.target, cell.seed): cell for cell in world.plan.cells if not cell.reference}
    others = [
        replace(cells["n125" if arm == "n8000" else arm, target, seed], arm=arm, backbone="other")
        for arm, target, seed in cells
    ]
    return replace(world, plan=replace(world.plan, cells=(*world.plan.cells, *others)))


def test_a_claim_may_be_about_one_backbone_or_the_difference_of_two(numbered_world):
    claim = Claim(says="helps", arms=("n8000",), targets=("lab_nli",))
    own, more, every = judged(
        two_backbones(numbered_world),
        claim.changed(backbones=("lab-mini",)),
        claim.changed(backbones=("lab-mini",), against_backbone="other"),
        claim,
    )
    (whole,) = judged(numbered_world, claim.changed(against=("n125",)))
    assert [part.line.backbone for part in own.parts] == ["lab-mini"]
    assert more.effect == pytest.approx(whole.effect)
    assert more.verdict == "confirmed"
    assert "less that on other" in more.evidence
    assert {part.line.backbone for part in every.parts} == {"lab-mini", "other"}
    effects = Effects(claiming(two_backbones(numbered_world), claim).results)
    compared = lines_of(effects, claim.changed(backbones=("lab-mini",), against_backbone="other"))
    assert {line.backbone for line in compared} == {"lab-mini", "other"}


def test_targets_and_a_backbone_are_subtracted_at_once(numbered_world):
    effects = Effects(two_backbones(numbered_world).results)
    both = Quantity("score", against_targets=("lab_ner",), against_backbone="other")
    found = effects.estimate(both, Line("lab-mini", "n8000"), "lab_nli")
    signs = {("lab-mini", "lab_nli"): 1, ("lab-mini", "lab_ner"): -1}
    signs |= {("other", "lab_nli"): -1, ("other", "lab_ner"): 1}
    parts = [
        sign * effects.estimate(Quantity("score"), Line(backbone, "n8000"), target).value
        for (backbone, target), sign in signs.items()
    ]
    assert found.value == pytest.approx(sum(parts))
