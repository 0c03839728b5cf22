"""Problems to learn: one `Task` protocol and the tasks that come with camber."""

from camber.layers import ActivationChoice
from camber.tasks.char_lm import PRESETS, CharLM, CharLMPreset
from camber.tasks.classification import ClassificationPreset
from camber.tasks.corpus import Corpus, read_corpus
from camber.tasks.digits import Digits
from camber.tasks.hugging_face import FineTuning, HuggingFace
from camber.tasks.images import Images, ImagesPreset
from camber.tasks.registry import TASKS, task
from camber.tasks.regress import Regress, RegressPreset
from camber.tasks.task import Batch, Metric, Recommended, Split, Task
from camber.tasks.user import UserTask
from camber.tasks.user_settings import UserSettings

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
    "FineTuning",
    "HuggingFace",
    "Images",
    "ImagesPreset",
    "Metric",
    "Recommended",
    "Regress",
    "RegressPreset",
    "Split",
    "Task",
    "UserSettings",
    "UserTask",
    "read_corpus",
    "task",
]
