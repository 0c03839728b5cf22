"""The shipped tasks by name."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from camber.errors import CamberError, UnknownNameError, unknown_name
from camber.tasks.char_lm import CharLM
from camber.tasks.digits import Digits
from camber.tasks.hugging_face import HuggingFace
from camber.tasks.images import Images
from camber.tasks.regress import Regress
from camber.tasks.task import Task
from camber.tasks.user import UserTask

#: Name to the class that makes the task.
TASKS: Final[MappingProxyType[str, Callable[..., Task]]] = MappingProxyType(
    {made.name: made for made in (CharLM, Digits, Images, Regress, HuggingFace)}
)


def task(name: str, **options: Any) -> Task:
    """Return a shipped task by name, or the user's own by ``package.module:function``.

    Args:
        name: which.
        options: what its class takes.

    Raises:
        UnknownNameError: for an unknown name, with the nearest known ones.

    Example:
        >>> task("charlm", preset="quick").units_per_batch
        1024
    """
    if ":" in name:  # a builder of the user's own
        try:
            return UserTask(name, **options)
        except CamberError as error:
            first, _, model = name.partition(":")
            if first in TASKS and importlib.util.find_spec(first) is None:  # no module of the user
                raise UnknownNameError(
                    f"there is no module {first!r} of yours; the shipped task is called "
                    f"{first!r} alone, and its model is said apart (model={model!r}, on the "
                    f"command line --model {model})"
                ) from error
            raise
    if name not in TASKS:
        near = unknown_name("task", name, TASKS)
        raise UnknownNameError(f"{near}; one of your own is written package.module:function")
    return TASKS[name](**options)
