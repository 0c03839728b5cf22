"""The shipped tasks by name."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from camber.errors import unknown_name
from camber.tasks.char_lm import CharLM
from camber.tasks.task import Task
from camber.tasks.user import UserTask

#: Name to the class that makes the task.
TASKS: Final[MappingProxyType[str, Callable[..., Task]]] = MappingProxyType({CharLM.name: CharLM})


def task(name: str, **options: Any) -> Task:
    """Return a shipped task by name; ``options`` go to its class.

    Raises:
        UnknownNameError: for an unknown name, with the nearest known ones.

    Example:
        >>> task("charlm", preset="quick").units_per_batch
        1024
    """
    if ":" in name:  # a builder of the user's own
        return UserTask(name, **options)
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    return TASKS[name](**options)
