"""The main job: a fair fight between nonlinearities, its statistics, and the card of one."""

from camber.compare.card import Card, card
from camber.compare.comparison import Comparison
from camber.compare.entries import DEFAULT_ENTRIES, PLAIN_ENTRIES, Entry
from camber.compare.read import read
from camber.compare.run import resume, run
from camber.compare.statistics import Difference, Estimate, Sequential
from camber.compare.subject import Run
from camber.compare.tuning import Tuning

__all__ = [
    "DEFAULT_ENTRIES",
    "PLAIN_ENTRIES",
    "Card",
    "Comparison",
    "Difference",
    "Entry",
    "Estimate",
    "Run",
    "Sequential",
    "Tuning",
    "card",
    "read",
    "resume",
    "run",
]
