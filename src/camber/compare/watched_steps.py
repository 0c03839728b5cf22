"""Which steps of a run are watched: about a dozen, evenly spaced.

A watched step ends in a log record, so that what is noted stands beside the loss of that step.
The steps follow from the settings alone: a run taken up after a kill watches the same ones.
"""

from __future__ import annotations

from typing import Final

from camber.train import FitConfig

#: Watched steps per run, where there are that many log records.
WATCHED: Final = 12


def is_watched(step: int, config: FitConfig) -> bool:
    """Return whether step ``step`` (from 1 to ``config.steps``) is watched.

    The first and the last log record always are.

    Example:
        >>> config = FitConfig(steps=400, log_every=10)
        >>> [step for step in range(1, 401) if is_watched(step, config)]
        [10, 50, 80, 120, 150, 190, 220, 260, 290, 330, 360, 400]
    """
    every = config.log_every
    if step != config.steps and step % every:
        return False
    records = -(-config.steps // every)
    if records <= WATCHED:
        return True
    chosen = {round(place * (records - 1) / (WATCHED - 1)) for place in range(WATCHED)}
    return -(-step // every) - 1 in chosen
