"""Small comparisons whose reports are looked at."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from camber.compare import Comparison, run
from camber.train import InlineExecutor

TINY = {
    "steps": 30,
    "warmup_steps": 2,
    "batch": 2,
    "context": 8,
    "width": 8,
    "evaluation_tokens": 64,
}

#: Labels that try to leave the text they stand in.
HOSTILE = {
    "<script>alert(1)</script>": "relu",
    '"><img src=x onerror=alert(2)>': "gelu",
    "$\\frac{": "x*sigmoid(1.702*x)",
    "</svg></title></style>": "polyrelu",
    "</script><svg onload=alert(3)>": "+".join(f"{k}*tanh(x/{k})" for k in range(11, 26)),
    "\u202egnp.exe\u2066\x07\x1b[31m\n--><!--": "swiglu",
}


def fought(
    place: Path, entries: Sequence[str] | Mapping[str, str], *, seeds: int = 2
) -> Comparison:
    """Train ``entries`` for a moment on a sentence; prices must have been made small before."""
    text = place / "words.txt"
    text.write_text("the quick brown fox jumps over the lazy dog. " * 200)
    return run(
        entries,
        preset="quick",
        seeds=seeds,
        settings=TINY,
        text=text,
        directory=place / "run",
        executor=InlineExecutor(),
        report=False,
    )
