"""``camber compare --task T --help-settings``: the presets of a task and what ``--set`` changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from camber.cli.verb import console, print_json
from camber.errors import CamberError, unknown_name

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Marks of code and of cross references, which a terminal shows as they are.
_ROLE = re.compile(r"(?::\w+:)?`+~?([^`]*)`+")


def print_settings(task: str, model: str | None, *, json: bool) -> None:
    """Print every setting of ``task`` with its value in each preset and what it means.

    Raises:
        CamberError: there is no such task or model.
    """
    if model is not None and model.startswith("hf:"):
        task, model = "hf", None
    presets = presets_of_task(task, model)
    some = next(iter(presets.values()))
    meaning = meanings(type(some))
    names = [field.name for field in fields(some)]
    if json:
        print_json(
            {
                "task": task,
                "presets": {
                    preset: {name: getattr(values, name) for name in names}
                    for preset, values in presets.items()
                },
                "meaning": {name: meaning.get(name, "") for name in names},
            }
        )
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{task}: --preset PRESET, --set SETTING=VALUE", title_justify="left")
    table.add_column("setting")
    for preset in presets:
        table.add_column(preset, justify="right")
    table.add_column("meaning")
    for name in names:
        values = [_shown(getattr(preset, name)) for preset in presets.values()]
        table.add_row(*(Text(cell) for cell in (name, *values, meaning.get(name, ""))))
    console().print(table)


def presets_of_task(task: str, model: str | None) -> Mapping[str, DataclassInstance]:
    """Return the presets of a task by name.

    Raises:
        CamberError: there is no such task or model.

    Example:
        >>> sorted(presets_of_task("charlm", None))
        ['d256', 'default', 'paper', 'quick']
    """
    from camber.tasks import TASKS, char_lm, digits, hugging_face, images, regress, user_settings

    if ":" in task:  # a builder of the user's own
        return user_settings.PRESETS
    by_model: dict[str, Mapping[str, Mapping[str, Any]]] = {
        "digits": digits.DIGITS_PRESETS,
        "images": images.IMAGES_PRESETS,
    }
    if task in by_model:
        chosen = "mlp" if model is None else model
        if chosen not in by_model[task]:
            raise unknown_name(f"model of {task}", chosen, by_model[task])
        return by_model[task][chosen]
    plain: dict[str, Mapping[str, Any]] = {
        "charlm": char_lm.PRESETS,
        "hf": hugging_face.PRESETS,
        "regress": regress.REGRESS_PRESETS,
    }
    if task not in plain:
        if task in TASKS:
            raise CamberError(f"the settings of {task} are not listed: see its documentation")
        raise unknown_name("task", task, {*TASKS, *plain})
    return plain[task]


def meanings(kind: type) -> dict[str, str]:
    """Return what the docstring of a preset's class says of each field, base classes included.

    Example:
        >>> class Sizes:
        ...     '''Sizes.
        ...
        ...     Args:
        ...         width, depth: of the network,
        ...             hidden layers only.
        ...         steps: of one run.
        ...     '''
        >>> meanings(Sizes)["depth"]
        'of the network, hidden layers only.'
    """
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        _, _, described = (base.__doc__ or "").partition("Args:")
        for names, text in re.findall(
            r"^ {8}(\w[\w, ]*): (.*(?:\n {9,}\S.*)*)", described, flags=re.MULTILINE
        ):
            for name in names.split(","):
                found[name.strip()] = _ROLE.sub(r"\1", " ".join(text.split()))
    return found


def _shown(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
