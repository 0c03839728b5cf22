"""What the values of a comparison support, seed by seed, as pure functions of these values.

One pair: Student's t (:mod:`.student`), the bootstrap-t interval and
Hedges' g, gathered in a :class:`Difference`. All pairs at once: Holm's correction. More seeds while
the answer is open: group-sequential looks that spend one error between them.
"""

from camber.compare.statistics.bootstrap import bootstrap_interval
from camber.compare.statistics.difference import Difference, Pair
from camber.compare.statistics.effect import Effect, effect_size, wins
from camber.compare.statistics.group_sequential import Look, Sequential, sequential, take_looks
from camber.compare.statistics.holm_correction import holm
from camber.compare.statistics.pairs import (
    Estimate,
    against_best,
    best_mean,
    estimate,
    gaps_of,
    paired,
    pairwise,
    seen_from,
)
from camber.compare.statistics.spending import Looks, looks
from camber.compare.statistics.student import LEVEL

__all__ = [
    "LEVEL",
    "Difference",
    "Effect",
    "Estimate",
    "Look",
    "Looks",
    "Pair",
    "Sequential",
    "against_best",
    "best_mean",
    "bootstrap_interval",
    "effect_size",
    "estimate",
    "gaps_of",
    "holm",
    "looks",
    "paired",
    "pairwise",
    "seen_from",
    "sequential",
    "take_looks",
    "wins",
]
