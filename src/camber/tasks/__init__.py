"""Problems to learn: one `Task` protocol and the tasks that come with camber."""

from camber.layers import ActivationChoice
from camber.tasks.char_lm import PRESETS, CharLM, CharLMPreset
from camber.tasks.classification import ClassificationPreset
from camber.tasks.corpus import Corpus, read_corpus
from camber.tasks.digits import Digits
from camber.tasks.images import Images, ImagesPreset
from camber.tasks.registry import TASKS, task
from camber.tasks.regress import Regress, RegressPreset
from camber.tasks.task import Batch, Metric, Recommended, Split, Task

__all__ = [
    "PRESETS",
    "TASKS",
    "ActivationChoice",
    "Batch",
    "CharLM",
    "CharLMPreset",
    "ClassificationPreset",
    "Corpus",
    "Digits",
    "Images",
    "ImagesPreset",
    "Metric",
    "Recommended",
    "Regress",
    "RegressPreset",
    "Split",
    "Task",
    "read_corpus",
    "task",
]
