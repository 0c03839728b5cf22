"""What a model says of its size: its parameters beside those of the plain network it matches."""

from __future__ import annotations

from torch import nn

from camber.errors import CamberError
from camber.layers import WidthMatch
from camber.layers.sizes import check_sizes


def describe_parameters(
    model: nn.Module, match: WidthMatch, *, matched: int = 1, idle: int = 0
) -> dict[str, int | float | bool]:
    """Return the exact parameter counts of ``model`` as plain values for a report.

    Args:
        model: the whole model.
        match: how the width of one of its parts was chosen.
        matched: how many such parts the model has.
        idle: parameters that one input does not meet, such as experts it is not sent to.

    Returns:
        ``parameters``; ``active_parameters``, those that one input meets;
        ``reference_parameters`` of the same model with a plain activation without coefficients;
        ``mismatch``, their relative difference; ``fair``, whether it is at most 0.5 %;
        ``coefficients`` of the activations; ``hidden`` and ``reference_hidden`` widths.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    reference = parameters + matched * (match.reference_parameters - match.parameters)
    whole = WidthMatch(
        hidden=match.hidden,
        parameters=parameters,
        coefficients=matched * match.coefficients,
        reference_hidden=match.reference_hidden,
        reference_parameters=reference,
    )
    return {**whole.to_dict(), "active_parameters": parameters - idle}


def check_image(owner: str, image: object) -> None:
    """Raise unless ``image`` is (channels, height, width), each at least 1."""
    if not isinstance(image, tuple) or len(image) != 3:
        raise CamberError(f"{owner}: image must be (channels, height, width), but got {image!r}")
    names = ("channels of the image", "height of the image", "width of the image")
    check_sizes(owner, **dict(zip(names, image, strict=True)))
