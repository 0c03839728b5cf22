"""The main job: a fair fight between nonlinearities, its statistics, and the card of one."""

from camber.compare.comparison import Comparison
from camber.compare.entries import DEFAULT_ENTRIES, Entry
from camber.compare.run import run
from camber.compare.statistics import Difference, Estimate

__all__ = ["DEFAULT_ENTRIES", "Comparison", "Difference", "Entry", "Estimate", "run"]
