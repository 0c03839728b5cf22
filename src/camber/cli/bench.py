"""``camber bench activations``: what activations cost here, beside GELU, SiLU and a copy."""

from __future__ import annotations

import datetime
import json as json_module
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camber.cli import names as completion
from camber.cli.names import DTYPES, PEERS
from camber.cli.verb import console, guarded, on_terminal, say
from camber.errors import CamberError, unknown_name

if TYPE_CHECKING:
    from camber.compare.cost import Contender, Cost
    from camber.fast import Backend

app = typer.Typer(
    name="bench",
    help="Measure speed and memory on this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

#: PolyNorm, PolyReLU, the (5, 4) rational unit, and a formula as a user types it.
NAMES = "polynorm,polyrelu,rational,x*sigmoid(beta*x)"
#: What the peers that are camber's own ask for; the others take the definition.
BODIES: dict[str, Backend] = {"auto": "auto", "compile": "compile", "fused": "fused"}


@app.callback()
def _root() -> None:
    """Measure speed and memory on this machine."""


def activations(
    names: Annotated[
        str,
        typer.Option(
            help="Names or formulas, with commas between them.",
            autocompletion=completion.entry_list,
        ),
    ] = NAMES,
    shape: Annotated[str, typer.Option(help="Shape of the input, for example 2048x5504.")] = (
        "2048x5504"
    ),
    rounds: Annotated[int, typer.Option(help="Turns for each; 15 or more to quote.")] = 15,
    threads: Annotated[
        int | None, typer.Option(help="PyTorch's threads; its own choice unless given.")
    ] = None,
    dtype: Annotated[
        str,
        typer.Option(help=f"One of {', '.join(DTYPES)}.", autocompletion=completion.dtypes),
    ] = "float32",
    peers: Annotated[
        str,
        typer.Option(
            help="How each is computed; any of auto, compile, fused, formula, torch.compile.",
            autocompletion=completion.peers,
        ),
    ] = ",".join(PEERS),
    output: Annotated[
        Path | None, typer.Option(help="Append the measurements to this file as JSON lines.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON lines, one per measurement, not a table.")
    ] = False,
) -> None:
    """Time forward and backward of activations, interleaved, on fresh and on reused memory."""
    size = _shape(shape)
    wanted = _peers(peers)
    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)
    chosen = _split(names)
    if not chosen:
        raise CamberError("no activation to measure; give --names, for example gelu,polynorm")
    import torch

    from camber.compare.cost import measure

    with _Progress() as progress:
        contenders = _contenders(chosen, wanted)
        costs = measure(
            contenders,
            shape=size,
            dtype=getattr(torch, dtype),
            rounds=rounds,
            threads=threads,
            progress=progress,
        )
    setting = _setting(size, dtype, rounds, threads)
    lines = [{**setting, **_record(cost)} for cost in costs]
    if output is not None:
        with output.open("a", encoding="utf-8") as file:
            file.writelines(json_module.dumps(line) + "\n" for line in lines)
    if json:
        for line in lines:
            print(json_module.dumps(line))
    else:
        _table(costs, setting)


app.command("activations")(guarded(activations))


def _shape(text: str) -> tuple[int, ...]:
    parts = text.lower().replace("×", "x").split("x")
    if not all(part.isdecimal() and 0 < int(part) < 2**31 for part in parts):
        raise CamberError(f"{text!r} is not a shape; write for example 2048x5504")
    return tuple(int(part) for part in parts)


def _split(names: str) -> list[str]:
    """Split at commas outside brackets, so that a formula may contain some."""
    parts, depth = [""], 0
    for character in names:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _peers(text: str) -> list[str]:
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    for peer in wanted:
        if peer not in PEERS:
            raise unknown_name("peer", peer, PEERS)
    return wanted


def _contenders(names: Sequence[str], peers: Sequence[str]) -> dict[str, Contender]:
    import torch

    from camber.activations import activation
    from camber.compare.cost import Contender

    found: dict[str, Contender] = {}
    for name in names:
        for peer in peers:
            body = BODIES.get(peer, "reference")
            module = activation(name, backend=body)
            module.train()
            function: Any = torch.compile(module) if peer == "torch.compile" else module
            inputs = 2 if module.kind == "gated" else 1
            found[f"{name} · {peer}"] = Contender(function, inputs, list(module.parameters()))
    return found


def _record(cost: Cost) -> dict[str, object]:
    name, _, peer = cost.label.partition(" · ")
    values = cost.to_dict()
    values.pop("label")
    return {"name": name, "peer": peer or "torch", **values}


def _setting(
    shape: Sequence[int], dtype: str, rounds: int, threads: int | None
) -> dict[str, object]:
    import torch

    from camber.compare.machine import machine, versions

    return {
        "benchmark": "activations",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "shape": list(shape),
        "dtype": dtype,
        "threads": threads or torch.get_num_threads(),
        "rounds": rounds,
    }


def _table(costs: Sequence[Cost], setting: Mapping[str, object]) -> None:
    from rich.table import Table

    shape = "x".join(str(size) for size in setting["shape"])  # type: ignore[attr-defined]  # ints
    for kind in dict.fromkeys(cost.memory for cost in costs):
        table = Table(
            title=f"{kind} memory, {shape} {setting['dtype']}, {setting['threads']} threads, "
            f"median of {setting['rounds']} rounds",
            title_justify="left",
        )
        table.add_column("activation")
        for heading in ("forward ms", "backward ms", "both / GELU", "quartiles", "/ SiLU"):
            table.add_column(heading, justify="right")
        table.add_column("/ copy", justify="right")
        table.add_column("saved / input", justify="right")
        for cost in costs:
            if cost.memory != kind:
                continue
            table.add_row(
                cost.label,
                f"{1e3 * cost.forward.median:.2f}",
                f"{1e3 * cost.backward.median:.2f}",
                f"{cost.to_gelu.median:.2f}",
                f"{cost.to_gelu.low:.2f}–{cost.to_gelu.high:.2f}",
                f"{cost.to_silu.median:.2f}",
                f"{cost.to_copy.median:.2f}",
                f"{cost.saved:.2f}",
            )
        console().print(table)


class _Progress:
    """A bar on standard error, on a terminal only; elsewhere one line as the work begins."""

    def __init__(self) -> None:
        self._bars: Any = None
        self._task: Any = None

    def __enter__(self) -> _Progress:
        if on_terminal():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TimeRemainingColumn(),
                console=Console(stderr=True, force_terminal=True),
                transient=True,
            )
            self._bars.start()
            self._task = self._bars.add_task("preparing", total=None)
        else:
            say("measuring; every contender takes its turns, compiled ones are prepared first")
        return self

    def __exit__(self, *details: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, label: str, done: int, total: int) -> None:
        if self._bars is not None:
            self._bars.update(self._task, description=label, completed=done, total=total)
