"""Colours: fixed by name, different within a comparison, told apart by colour-blind readers."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camber.compare.colours import FIXED, PALETTE, Style, styles

# Full dichromacy, G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based
# Model for Simulation of Color Vision Deficiency", IEEE TVCG 15 (2009), table 1, severity 1.0.
DEFICIENCIES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB at the white point D65."""
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = matrix @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", DEFICIENCIES)
def test_every_two_colours_can_be_told_apart(eye: str) -> None:
    seen = [lab(DEFICIENCIES[eye] @ linear(colour)) for colour in PALETTE]
    nearest = min(np.linalg.norm(a - b) for a, b in combinations(seen, 2))
    assert nearest > 10  # CIE76 distance; 2.3 is just noticeable


@pytest.mark.parametrize("colour", PALETTE)
def test_every_colour_shows_on_white_paper(colour: str) -> None:
    luminance = float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour))
    assert 1.05 / (luminance + 0.05) > 2  # contrast as WCAG 2 defines it


def test_well_known_names_keep_their_colours() -> None:
    alone = {name: styles([name])[name] for name in FIXED}
    together = styles(list(FIXED))
    assert alone == together
    assert styles(["mine", "relu", "gelu"])["gelu"] == alone["gelu"]
    assert styles(["polynorm:order=2", "relu"])["polynorm:order=2"] == alone["polynorm"]
    both = styles(["polynorm:order=2", "polynorm"])
    assert both["polynorm"] == alone["polynorm"]
    assert both["polynorm:order=2"] != alone["polynorm"]


def test_eight_entries_have_eight_colours_and_more_differ_by_dash() -> None:
    eight = styles([f"f{k}" for k in range(8)])
    assert {style.colour for style in eight.values()} == set(PALETTE)
    assert not any(style.dash for style in eight.values())
    twenty = styles(["relu", *(f"f{k}" for k in range(19))])
    assert len({(style.colour, style.dash) for style in twenty.values()}) == 20
    assert sum(not style.dash for style in twenty.values()) == 8


@given(st.lists(st.sampled_from([*FIXED, "gelu:a=1", "x", "y", "z"]), unique=True, max_size=12))
def test_styles_are_different_and_the_same_each_time(labels: list[str]) -> None:
    found = styles(labels)
    assert list(found) == labels
    assert len(set(found.values())) == len(labels)
    assert styles(labels) == found


def test_a_hundred_entries_are_still_different() -> None:
    found = styles([str(k) for k in range(100)])
    assert len(set(found.values())) == 100
    assert all(isinstance(style, Style) for style in found.values())
