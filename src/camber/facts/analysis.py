"""One pass over a pointwise formula: its pieces, stages and joints, as far out as needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camber.errors import CamberError
from camber.facts.bounds import Bounds
from camber.facts.joints import Joint, find_joints
from camber.facts.pieces import WINDOW, Pieces, find_pieces
from camber.facts.stage import Stages
from camber.facts.stages import find_stages
from camber.facts.subject import Subject

_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True)
class Analysis:
    """Smooth pieces, stages of the values and of the slopes, and the joints of each channel."""

    subject: Subject
    pieces: Pieces
    values: Stages
    slopes: Stages
    joints: list[list[Joint]]
    window: float

    def natural(self, order: int, channel: int) -> Bounds:
        """Bounds of all values, or slopes, by plain interval arithmetic on the whole axis.

        Only an oscillating formula is likely to gain from them; for others nothing is claimed.
        """
        if not self.windowed[channel]:
            return -np.inf, np.inf
        field = self.subject.field(self.pieces.root)
        for _ in range(order):
            field = field.derivative
        ends = np.array([-np.inf]), np.array([np.inf])
        low, high = field.enclose(*ends, np.array([channel]))
        return float(low[0]), float(high[0])

    @property
    def windowed(self) -> list[bool]:
        """Whether each channel oscillates for ever, so that points are listed in a window only."""
        return [
            self.pieces.windowed or a or b
            for a, b in zip(self.values.windowed, self.slopes.windowed, strict=True)
        ]


def analyse(subject: Subject) -> Analysis:
    """Analyse every channel; a fast oscillation is followed less far from 0.

    Raises:
        CamberError: where the formula cannot be resolved at all.
    """
    window = WINDOW
    while True:
        try:
            pieces = find_pieces(subject, window)
            values = find_stages(pieces, 0, window)
            slopes = find_stages(pieces, 1, window)
        except CamberError:
            window /= 10
            if window < _SMALLEST:
                raise
            continue
        joints = find_joints(pieces, values, slopes)
        return Analysis(subject, pieces, values, slopes, joints, window)
