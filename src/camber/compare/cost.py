"""What an activation costs by itself: time beside GELU's and a copy's, and what it saves.

All contenders take turns in one process, round after round, so that a disturbance meets all of
them; every ratio is taken within a round and the median over rounds is reported. A contender gets
the same input and the same incoming slope each time, and its results are dropped at once.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from camber.compare.allocator import Memory, memories, memory
from camber.errors import CamberError

#: The contenders that every measurement includes, by label.
REFERENCES = ("F.gelu", "F.silu", "copy")

#: Told after every step of the work: what was done, steps done, steps in all.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Spread:
    """Median, quartiles and best of the rounds."""

    median: float
    low: float
    high: float
    best: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise the values of the rounds."""
        low, median, high = (
            statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
        )
        return cls(median, low, high, min(values))


@dataclass(frozen=True)
class Cost:
    """One contender on one kind of memory; times in seconds, ratios within rounds.

    ``saved`` is what autograd keeps for the backward pass, in units of the input's bytes.
    """

    label: str
    memory: Memory
    forward: Spread
    backward: Spread
    total: Spread
    to_gelu: Spread
    to_silu: Spread
    to_copy: Spread
    saved: float

    def to_dict(self) -> dict[str, object]:
        """The same as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Contender:
    """Something to measure: a function of ``inputs`` equally shaped tensors.

    ``parameters`` are the learnable tensors behind it, whose gradients are part of the cost.
    """

    function: Callable[..., Tensor]
    inputs: int = 1
    parameters: Sequence[Tensor] = field(default=())


def measure(
    contenders: Mapping[str, Contender],
    *,
    shape: Sequence[int] = (2048, 5504),
    dtype: torch.dtype = torch.float32,
    rounds: int = 15,
    threads: int | None = None,
    kinds: Sequence[Memory] | None = None,
    seed: int = 0,
    progress: Progress = lambda label, done, total: None,
) -> list[Cost]:
    """Measure forward and backward of every contender, interleaved, on each kind of memory.

    Args:
        contenders: label to contender; ``F.gelu``, ``F.silu`` and ``copy`` are always added.
        shape: shape of each input; standard normal values.
        dtype: their dtype.
        rounds: turns that each contender gets; 15 or more for a quotable number.
        threads: PyTorch's threads during the measurement; None leaves them.
        kinds: kinds of memory; all that this system offers unless given.
        seed: of the inputs.
        progress: told after each contender's turn.

    Returns:
        One :class:`Cost` per contender and kind of memory.

    Raises:
        CamberError: no rounds, an empty shape, or a label that is taken.

    Example:
        >>> double = Contender(lambda x: x * 2)
        >>> costs = measure({"double": double}, shape=(4, 8), rounds=2)
        >>> [cost.label for cost in costs][:4]
        ['F.gelu', 'F.silu', 'copy', 'double']
    """
    if rounds < 1:
        raise CamberError(f"a measurement needs at least one round, not {rounds}")
    if threads is not None and threads < 1:
        raise CamberError(f"a measurement needs at least one thread, not {threads}")
    if not shape or min(shape) < 1:
        raise CamberError(f"nothing to measure on tensors of shape {tuple(shape)}")
    taken = [label for label in contenders if label in REFERENCES]
    if taken:
        raise CamberError(f"the label {taken[0]!r} is taken; choose another")
    everyone = {
        "F.gelu": Contender(F.gelu),
        "F.silu": Contender(F.silu),
        "copy": Contender(torch.clone),
        **contenders,
    }
    chosen = memories() if kinds is None else tuple(kinds)
    steps = len(everyone) * (rounds * len(chosen) + 1)
    with _quiet(threads):
        table = _Table(everyone, shape, dtype, seed)
        done = 0
        for label in everyone:
            # The first call may compile; the second still finds memory cold.
            table.turn(label)
            table.keep(label)
            done += 1
            progress(f"preparing {label}", done, steps)
        costs: list[Cost] = []
        for kind in chosen:
            with memory(kind, table.bytes // 2) as renew:
                for label in everyone:
                    table.turn(label)
                times: dict[str, list[tuple[float, float]]] = {label: [] for label in everyone}
                labels = list(everyone)
                for place in range(rounds):
                    # Each round starts with another contender, so none always follows the same.
                    start = place % len(labels)
                    for label in labels[start:] + labels[:start]:
                        renew()
                        times[label].append(table.turn(label))
                        done += 1
                        progress(f"{label}, {kind} memory", done, steps)
            costs += [_cost(label, kind, times, table.saved[label]) for label in everyone]
    return costs


def cost(
    function: Callable[..., Tensor],
    *,
    inputs: int = 1,
    parameters: Sequence[Tensor] = (),
    shape: Sequence[int] = (2048, 1024),
    dtype: torch.dtype = torch.float32,
    rounds: int = 15,
    threads: int | None = None,
) -> Cost:
    """Measure one activation on the memory that large tensors usually get.

    Example:
        >>> found = cost(torch.tanh, shape=(4, 8), rounds=2)
        >>> found.saved  # tanh keeps its result
        1.0
    """
    contender = Contender(function, inputs, parameters)
    kinds = memories()[:1]
    found = measure(
        {"activation": contender},
        shape=shape,
        dtype=dtype,
        rounds=rounds,
        threads=threads,
        kinds=kinds,
    )
    return found[-1]


def saved_bytes(call: Callable[[], Tensor]) -> int:
    """Bytes of the distinct storages that autograd keeps while ``call`` builds its graph."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = call()
    del result
    return sum(kept.values())


class _Table:
    """The contenders at one table: shared inputs, one turn at a time."""

    def __init__(
        self,
        contenders: Mapping[str, Contender],
        shape: Sequence[int],
        dtype: torch.dtype,
        seed: int,
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        count = 1 + max(contender.inputs for contender in contenders.values())
        drawn = [torch.randn(tuple(shape), generator=generator).to(dtype) for _ in range(count)]
        self._inputs = [tensor.requires_grad_() for tensor in drawn[:-1]]
        self._slope = drawn[-1]
        self._contenders = contenders
        self.bytes = self._slope.numel() * self._slope.element_size()
        self.saved: dict[str, float] = {}

    def turn(self, label: str) -> tuple[float, float]:
        """Seconds of one forward and one backward pass."""
        contender = self._contenders[label]
        inputs = self._inputs[: contender.inputs]
        begin = time.perf_counter()
        result = contender.function(*inputs)
        middle = time.perf_counter()
        result.backward(self._slope)
        end = time.perf_counter()
        for tensor in (*inputs, *contender.parameters):
            tensor.grad = None
        return middle - begin, end - middle

    def keep(self, label: str) -> None:
        """Note what the contender saves for its backward pass."""
        contender = self._contenders[label]
        inputs = self._inputs[: contender.inputs]
        kept = saved_bytes(lambda: contender.function(*inputs))
        self.saved[label] = kept / (self.bytes * contender.inputs)


def _cost(
    label: str, kind: Memory, times: Mapping[str, list[tuple[float, float]]], saved: float
) -> Cost:
    own = [sum(pair) for pair in times[label]]

    def ratio(reference: str) -> Spread:
        pairs = zip(own, times[reference], strict=True)
        return Spread.of([mine / sum(theirs) for mine, theirs in pairs])

    return Cost(
        label=label,
        memory=kind,
        forward=Spread.of([forward for forward, _ in times[label]]),
        backward=Spread.of([backward for _, backward in times[label]]),
        total=Spread.of(own),
        to_gelu=ratio("F.gelu"),
        to_silu=ratio("F.silu"),
        to_copy=ratio("copy"),
        saved=saved,
    )


@contextmanager
def _quiet(threads: int | None) -> Iterator[None]:
    """No garbage collection in the middle of a turn, and the wanted number of threads."""
    before, collecting = torch.get_num_threads(), gc.isenabled()
    gc.collect()
    gc.disable()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        if collecting:
            gc.enable()
