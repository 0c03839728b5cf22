"""Problems to learn: one `Task` protocol and the tasks that come with camber."""

from camber.layers import ActivationChoice
from camber.tasks.char_lm import PRESETS, CharLM, CharLMPreset
from camber.tasks.corpus import Corpus, read_corpus
from camber.tasks.registry import TASKS, task
from camber.tasks.task import Batch, Metric, Recommended, Split, Task

__all__ = [
    "PRESETS",
    "TASKS",
    "ActivationChoice",
    "Batch",
    "CharLM",
    "CharLMPreset",
    "Corpus",
    "Metric",
    "Recommended",
    "Split",
    "Task",
    "read_corpus",
    "task",
]
