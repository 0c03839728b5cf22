"""A study: a frozen configuration, jobs, and the claims that their results support.

A study module composes parts that live elsewhere in the house. It states three functions and one
table of sizes, and registers them::

    register_study(
        Study(
            name="polycom",
            title="Polynomial composition activations",
            source="Zhuo et al., ICLR 2025, arXiv 2411.03884",
            sizes={"tiny": Config(steps=20), "smoke": Config(), "full": Config(preset="d256")},
            jobs=jobs,          # configuration -> jobs
            work=work,          # one job, done in its own directory; importable by workers
            conclude=conclude,  # configuration, outcomes -> findings
        )
    )
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from camber.errors import CamberError, unknown_name
from camber.train.claims import Claim
from camber.train.job import Job, JobFunction, Outcome
from camber.train.study_table import StudyTable

#: tiny: seconds, exact claims and plumbing. smoke: minutes. full: the documented command.
Size: TypeAlias = Literal["tiny", "smoke", "full"]
SIZES: Final[tuple[Size, ...]] = ("tiny", "smoke", "full")

Config = TypeVar("Config")


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a study concludes: claims, tables, and sentences that belong beside them."""

    claims: tuple[Claim, ...]
    tables: tuple[StudyTable, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [claim.name for claim in self.claims]
        for name in names:
            if names.count(name) > 1:
                raise CamberError(f"two claims are called {name!r}: a study's claims have names")


@dataclass(frozen=True, kw_only=True)
class Study(Generic[Config]):
    """A reproduction or an experiment, at three sizes.

    Args:
        name: the registered name, as the command line takes it.
        title: one line.
        source: authors, year, arXiv id of what is reproduced.
        sizes: a frozen dataclass for each of "tiny", "smoke" and "full".
        jobs: the jobs of a configuration; may be empty for a study of exact claims.
        work: what a job runs.
        conclude: the findings; must give the same for the same outcomes.
        needs: what each size takes, such as ``{"full": "one GPU, 3 hours"}``.

    Raises:
        CamberError: a size is missing or unknown, or is no dataclass.
    """

    name: str
    title: str
    source: str
    sizes: Mapping[Size, Config]
    jobs: Callable[[Config], Sequence[Job]]
    work: JobFunction
    conclude: Callable[[Config, Sequence[Outcome]], Findings]
    needs: Mapping[Size, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.sizes) != set(SIZES):
            raise CamberError(
                f"study {self.name!r} has the sizes {sorted(self.sizes)}: "
                f"give exactly {', '.join(SIZES)}"
            )
        for size, config in self.sizes.items():
            if not is_dataclass(config):
                raise CamberError(
                    f"study {self.name!r}: size {size!r} is a {type(config).__name__}, "
                    "not a dataclass"
                )

    def config(self, size: str) -> Config:
        """Return the configuration of ``size``.

        Raises:
            UnknownNameError: there is no such size.
        """
        for known, config in self.sizes.items():
            if known == size:
                return config
        raise unknown_name(f"size of study {self.name}", size, self.sizes)


# A registry holds studies of every configuration; each keeps its own type inside.
_STUDIES: dict[str, Study[Any]] = {}


def register_study(study: Study[Config]) -> Study[Config]:
    """Make ``study`` known under its name and return it.

    Raises:
        CamberError: the name is taken by another study.
    """
    if _STUDIES.get(study.name, study) != study:
        raise CamberError(f"a study called {study.name!r} is registered already: choose a name")
    _STUDIES[study.name] = study
    return study


def study(name: str) -> Study[Any]:
    """Return the registered study called ``name``; those shipped register in ``camber.studies``.

    Raises:
        UnknownNameError: there is none; the nearest names are given.
    """
    if name not in _STUDIES:
        raise unknown_name("study", name, _STUDIES)
    return _STUDIES[name]


def study_names() -> list[str]:
    """Return the names of all registered studies, sorted."""
    return sorted(_STUDIES)
