"""What every verb shares: errors as one sentence, exit codes, and output for people or programs."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer

from camber.errors import CamberError

if TYPE_CHECKING:
    from rich.console import Console

REFUTED = 1
BAD_INPUT = 2
INTERRUPTED = 130

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

#: The option every verb has.
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def guarded(
    function: Callable[Parameters, Result], *, interrupted: str = "interrupted"
) -> Callable[Parameters, Result]:
    """Wrap a verb: bad input ends with one sentence and code 2, Ctrl-C with ``interrupted``.

    A programming error still shows its traceback: it is no input's fault.
    """

    @functools.wraps(function)
    def verb(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except CamberError as error:
            say(str(error))
            raise typer.Exit(BAD_INPUT) from error
        except BrokenPipeError:
            raise  # the reader of a pipe left: typer ends quietly
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            say(f"{error.strerror or error}{where}")
            raise typer.Exit(BAD_INPUT) from error
        except KeyboardInterrupt as error:
            say(interrupted)
            raise typer.Exit(INTERRUPTED) from error

    return verb


def say(sentence: str) -> None:
    """Print ``sentence`` on standard error."""
    print(f"camber: {sentence}", file=sys.stderr)


def on_terminal() -> bool:
    """Whether standard error is a terminal on which lines can be drawn anew."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def print_json(value: object) -> None:
    """Print ``value`` as one JSON object; numbers JSON cannot hold (NaN, inf) become strings."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def console() -> Console:
    """Return rich's console on standard output; wide where no terminal sets a width."""
    from rich.console import Console

    wide = None if sys.stdout.isatty() else 200
    return Console(width=wide, highlight=False, soft_wrap=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return "nan" if value != value else ("inf" if value > 0 else "-inf")
    return value
