"""`UserTask`: a model, data and a loss of the user's own, from one function.

::

    def build(activation, seed):                          # in my_task.py
        model = nn.Sequential(nn.Linear(64, 128), activation(), nn.Linear(128, 10))
        return model, train_loader, validation_loader, loss

``camber compare relu gelu --task my_task:build`` does the rest. ``activation()`` returns a fresh
module; a loader is any iterable of batches, such as a shuffling ``DataLoader``; a batch is what the
loader yields; ``loss(model, batch)`` returns a 0-d tensor. A fifth item ``(metric, "higher")`` is
``metric(model, validation_loader) -> float``, with "lower" or "higher" for the values that win.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any, Final
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from camber.activations import Gated
from camber.errors import CamberError, unknown_name
from camber.layers import ActivationChoice
from camber.tasks.batch_layout import BatchLayouts, fingerprint, tensors_in
from camber.tasks.builder import Builder, Built
from camber.tasks.evaluation import evaluation_mode
from camber.tasks.foreign_code import library_numbers, random_numbers, seed_from
from camber.tasks.loader import endless, length, nothing, one_pass
from camber.tasks.places import GATED_REMEDY, check_own_weights
from camber.tasks.scores import MovedLoader, number
from camber.tasks.settings import settle
from camber.tasks.task import Batch, Metric, Recommended, Split
from camber.tasks.user_settings import PRESETS, UserSettings, recommended, resolve_steps

_AGAIN: Final = "give a list, a DataLoader, or a function that returns a fresh iterator"

_PART: Final = {"train": "training", "validation": "validation"}


class UserTask:
    """The task that a builder of the user's describes.

    Args:
        builder: its address, ``"package.module:function"``.
        preset: "default" (three passes over the training data, 200 to 1,000 steps) or "quick".
        options: any field of :class:`~camber.tasks.user_settings.UserSettings`, and any further
            parameter of the builder's, which it is then called with.

    Raises:
        UnknownNameError: for an unknown preset or setting.
        CamberError: for anything the builder does wrong; the sentence names it, and the line.

    Building, loading and evaluating happen with the global generators of torch, numpy and Python
    seeded from (seed, step), and leave them as they were.

    Example:
        >>> task = UserTask("camber.tasks.user_example:build", steps=50)
        >>> task.metric
        Metric(name='accuracy', unit='accuracy', better='higher')
        >>> task.recommended["warmup_steps"], task.units_per_batch
        (5, 32)
    """

    def __init__(self, builder: str, *, preset: str = "default", **options: Any) -> None:
        self.name = builder
        self._builder = Builder(builder)
        given = {**self._builder.settings, **options}
        known = {field.name for field in fields(UserSettings)}
        for key in given:
            if key not in known and key not in self._builder.options:
                raise unknown_name(f"setting of {builder}", key, known | {*self._builder.options})
        self.preset = preset
        chosen = {key: value for key, value in given.items() if key in known}
        self.settings = settle(builder, PRESETS, preset, chosen)
        self._options = {key: given[key] for key in self._builder.options if key in given}
        self._layouts = BatchLayouts()
        self._builds: WeakKeyDictionary[nn.Module, Built] = WeakKeyDictionary()
        self._unread: dict[int, Built] = {}
        self._seen: dict[tuple[str, int], str] = {}
        self._read_data()

    def _read_data(self) -> None:
        """Build once and look at the first batches: what everything else here is known from."""
        model, built = self._build("relu", 0)
        self._probe, self._probe_model = built, model
        own_unit = "loss" if built.measure is None else built.metric.replace("_", " ")
        self.metric = Metric(built.metric, self.settings.metric_unit or own_unit, built.better)
        first = self._first(built, "train", 0)
        self._first(
            built,
            "validation",
            0,
            f"the validation loader of {self.name} begins with another batch when it is read "
            f"again: every pass must be the same, also in its random numbers; {_AGAIN}",
        )
        tensors = tensors_in(first)
        if not tensors:
            kind = type(first).__name__
            raise CamberError(
                f"the first training batch of {self.name} (a {kind}) holds no tensor; give tuples, "
                f"lists, dicts or dataclasses of tensors"
            )
        lengths = [len(tensor) for tensor in tensors if tensor.ndim]
        self.units_per_batch = self.settings.units_per_batch or (lengths[0] if lengths else 1)
        self._train_batches = length(built.train)
        self._steps = resolve_steps(self.settings, self._train_batches, self.name)
        with random_numbers(seed_from("probe", 0)):
            loss = self.loss(model, self._layouts.flatten(first))
            with self._builder.guard("the gradient of its loss"):
                loss.backward()
        if all(parameter.grad is None for parameter in model.parameters()):
            raise CamberError(
                f"the loss of {self.name} does not depend on the model's parameters: is it "
                f"computed under torch.no_grad(), or from a detached output?"
            )
        model.zero_grad()

    @property
    def unit(self) -> str:
        return self.settings.unit

    @property
    def seeds(self) -> int:
        return self.settings.seeds

    @property
    def recommended(self) -> Recommended:
        return recommended(self.settings, self._steps)

    def build_model(self, activation: ActivationChoice, seed: int) -> nn.Module:
        """Return the user's model; equal parameter counts are the user's own affair."""
        model, built = self._build(activation, seed)
        check_own_weights(model, self._probe_model, self.name)
        if any(is_lazy(parameter) for parameter in model.parameters()):
            with torch.no_grad(), random_numbers(seed_from("lazy", seed)):
                self._loss_of(model, self._first(built, "train", seed))
        else:
            self._unread[seed] = built  # its training loader is fresh: batches() may take it
        return model

    def _build(self, activation: ActivationChoice, seed: int) -> tuple[nn.Module, Built]:
        """Call the builder and compare what it gives with what it gave before."""
        model, built = self._builder(activation, seed, self._options)
        self._builds[model] = built
        self._first(built, "validation", seed)
        return model, built

    def _first(self, built: Built, split: Split, seed: int, otherwise: str = "") -> Any:
        """Return the first batch of a loader, which must be the same whenever it is asked for.

        ``otherwise`` is the sentence to raise where it is not.
        """
        loader = built.train if split == "train" else built.validation
        passed = one_pass(loader, self._guard(split), split, seed, 0, most=1)
        batch = next(passed, passed)
        if batch is passed:
            raise CamberError(
                otherwise or nothing(loader, f"the {_PART[split]} loader of {self.name}")
            )
        self._compare(batch, split, seed, otherwise)
        return batch

    def _compare(self, batch: object, split: Split, seed: int, otherwise: str = "") -> None:
        found = fingerprint(batch)
        if self._seen.setdefault((split, seed), found) != found:
            raise CamberError(
                otherwise
                or f"{self.name} gives other {_PART[split]} data when it is called again with seed "
                f"{seed}: every entry must see the same data; make its random numbers follow "
                f"from seed (torch, numpy and random are seeded before each call)"
            )

    def _guard(self, split: Split) -> Any:
        return lambda: self._builder.guard(f"its {_PART[split]} loader")

    def batches(self, split: Split, seed: int, start_step: int = 0) -> Iterator[Batch]:
        """Yield what the loader yields, taken apart: see :mod:`camber.tasks.batch_layout`."""
        built = self._unread.pop(seed, None) or self._build("relu", seed)[1]
        loader = built.train if split == "train" else built.validation
        step = start_step
        for batch in endless(loader, self._guard(split), split, seed, start_step=start_step):
            if step == 0:
                self._compare(batch, split, seed)
            yield self._layouts.flatten(batch)
            step += 1
        what = f"the {_PART[split]} loader of {self.name}"
        if step == start_step:
            raise CamberError(nothing(loader, what))
        raise CamberError(f"{what} can be read once only, and ended at step {step}; {_AGAIN}")

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the user's loss of the batch as the loader yielded it.

        Numbers drawn from numpy or Python inside follow from torch's seed, which whoever trains
        sets for each step.
        """
        return self._loss_of(model, self._layouts.rebuild(batch))

    def _loss_of(self, model: nn.Module, batch: Any) -> Tensor:
        gated = next((m for m in model.modules() if isinstance(m, Gated)), None)
        remedy = "" if gated is None else GATED_REMEDY.replace("it takes", f"{gated.label} takes")
        with (
            self._builder.guard("its loss", remedy),
            library_numbers(torch.default_generator.initial_seed()),
        ):
            value: Any = self._built(model).loss(model, batch)
        if not isinstance(value, Tensor) or value.ndim:
            kind = type(value).__name__
            shape = f" of shape {tuple(value.shape)}" if isinstance(value, Tensor) else ""
            raise CamberError(
                f"the loss of {self.name} returned a {kind}{shape}; it must return one number as a "
                f"0-d tensor, such as F.cross_entropy(...) or losses.mean()"
            )
        if not value.is_floating_point():
            raise CamberError(f"the loss of {self.name} is a {value.dtype} tensor, not a float")
        if torch.is_grad_enabled() and not value.requires_grad:
            raise CamberError(
                f"the loss of {self.name} has no gradient: it is computed under torch.no_grad(), "
                f"from a detached output (.detach(), .item()), or without the model"
            )
        return value.float() if value.dtype in (torch.float16, torch.bfloat16) else value

    def _built(self, model: nn.Module) -> Built:
        # A builder may split its data by the seed: a model is judged by the data it was built with.
        return self._builds.get(model, self._probe)

    def evaluate(self, model: nn.Module, split: Split = "validation") -> dict[str, float]:
        """Return the metric, or the mean loss over the validation examples."""
        built = self._built(model)
        loader = built.train if split == "train" else built.validation
        with evaluation_mode(model), random_numbers(seed_from("evaluate", split)):
            if built.measure is None:
                return {f"{split}_loss": self._mean_loss(model, loader, split)}
            moved = self._moved(model, loader, split)
            with self._builder.guard(f"its metric {built.metric}"):
                value = built.measure(model, moved)
            return number(value, built.metric, self.name, split)

    def _mean_loss(self, model: nn.Module, loader: Any, split: Split) -> float:
        """The mean over examples, where the loss is a mean over the examples of its batch."""
        total = weight = 0.0
        for batch in self._moved(model, loader, split):
            sizes = [len(tensor) for tensor in tensors_in(batch) if tensor.ndim]
            size = sizes[0] if sizes else 1
            total += float(self._loss_of(model, batch)) * size
            weight += size
        return total / weight if weight else math.nan

    def _moved(self, model: nn.Module, loader: Any, split: Split) -> MovedLoader:
        return MovedLoader(
            loader,
            self._guard(split),
            split,
            device=next(model.parameters()).device,
            most=self.settings.evaluation_batches,
            what=f"the {_PART[split]} loader of {self.name}",
        )

    def describe(self) -> Mapping[str, Any]:
        data = ":".join([self._seen["train", 0], self._seen["validation", 0]])
        count = len(self._builder.files)
        lengths = f"{self._train_batches}:{length(self._probe.validation)}"
        content = hashlib.sha256(f"{self._builder.source_sha256}:{data}:{lengths}".encode())
        return {
            "task": self.name,
            "preset": self.preset,
            **asdict(self.settings),
            "steps": self._steps,
            "options": dict(self._options),
            "source": f"{self.name} ({count} source file{'' if count == 1 else 's'})",
            "train_batches": self._train_batches,
            "validation_batches": length(self._probe.validation),
            "source_sha256": self._builder.source_sha256,
            "corpus_sha256": content.hexdigest(),
        }
