"""The variance between seeds: of a sum of independent parts, and with what comparable ones lend.

A loan is Smyth's (2004): a prior for the variance, worth so many degrees of freedom as the lenders are alike.
It is at most `LOAN`, for what makes one arm restless and another steady is seen in no variance of three
seeds; and an arm that spreads more than the lenders gets little (Phipson et al. 2016): a loan would make its
interval too short.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import fdtrc, polygamma, psi

LOAN = 2.0  # degrees of freedom that other arms may lend, in all
GUESS, GUESSED_BY = 2.0, 4  # degrees of freedom that they lend if nothing is known of them; weight in lenders
AS_NORMAL = 1e6  # degrees of freedom from which a variance is as good as known


class Chance(NamedTuple):
    """The variance of a mean over seeds as the seeds show it, and how well that is known.

    `excess` is what of it the examples do not explain; it may be negative.
    """

    shown: float
    excess: float
    freedom: float


def together(chances: Sequence[Chance]) -> Chance:
    """The chance of a sum of independent parts, with Welch's degrees of freedom."""
    known = [chance for chance in chances if chance.freedom > 0]
    shown, excess = (sum(chance[place] for chance in known) for place in (0, 1))
    if shown <= 0:
        return Chance(0.0, 0.0, 0.0)
    freedom = shown**2 / sum(chance.shown**2 / chance.freedom for chance in known)
    return Chance(shown, excess, min(AS_NORMAL, freedom))


def with_loan(own: Chance, seeds: int, lenders: Sequence[tuple[Chance, int]]) -> Chance:
    """The variance of a mean over so many seeds, with what at least two others lend.

    The loan has the weight that their likeness gives it (Smyth's d0, with a guess as good as a few lenders),
    times the probability that chance makes a variance as large as this one beside theirs.
    """
    if len(lenders) < 2:
        return own
    freedoms = np.array([chance.freedom for chance, _ in lenders])
    shown, excess = (np.array([chance[place] * n for chance, n in lenders]) for place in (0, 1))
    logarithms = np.log(shown) - psi(freedoms / 2) + np.log(freedoms / 2)
    unlike = float(logarithms.var(ddof=1) - polygamma(1, freedoms / 2).mean())
    others = len(lenders) - 1
    unlike = (GUESSED_BY * float(polygamma(1, GUESS / 2)) + others * unlike) / (GUESSED_BY + others)
    theirs, beyond = (float(freedoms @ one / freedoms.sum()) / seeds for one in (shown, excess))
    loan = min(LOAN, _prior_freedom(unlike))
    if own.freedom:
        loan *= float(fdtrc(own.freedom, freedoms.sum(), own.shown / theirs))
    freedom = own.freedom + loan
    return Chance(
        (own.freedom * own.shown + loan * theirs) / freedom,
        (own.freedom * own.excess + loan * beyond) / freedom,
        freedom,
    )


def _prior_freedom(unlike: float) -> float:
    """Degrees of freedom of a prior whose variances' logarithms vary by so much: trigamma(half of it)."""
    if unlike <= float(polygamma(1, LOAN)):
        return 2 * LOAN
    half = 0.5 + 1 / unlike
    for _ in range(20):  # Newton's method on the reciprocal, as Smyth gives it
        found = float(polygamma(1, half))
        moved = half + found * (1 - found / unlike) / float(polygamma(2, half))
        if moved == half:
            break
        half = moved
    return 2 * half
