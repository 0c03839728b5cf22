"""Comparisons so small that they take no time: settings, and the type of what runs them."""

from collections.abc import Callable

from camber.compare import Comparison

TINY = {"steps": 3, "warmup_steps": 1, "batch": 2, "context": 8, "width": 8, "layers": 1,
        "evaluation_tokens": 16}  # fmt: skip
Fight = Callable[..., Comparison]
