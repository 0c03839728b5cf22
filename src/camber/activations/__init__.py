"""The catalogue of nonlinearities, one file per idea, and the registry that builds them.

Every module of this package registers what it defines when it is imported; importing the package
imports them all, so a new file is a new entry and nothing else needs to know.
"""

from __future__ import annotations

import importlib
import pkgutil

from camber.activations.base import Activation, Kind, StateError
from camber.activations.build import activation
from camber.activations.by_formula import (
    FormulaAlong,
    FormulaGated,
    FormulaNormed,
    FormulaPointwise,
)
from camber.activations.crrelu import CRReLU
from camber.activations.dra import DRA
from camber.activations.entry import Entry
from camber.activations.fit import fit_rational
from camber.activations.groupsort import GroupSort, MaxMin
from camber.activations.householder import Householder
from camber.activations.kinds import Along, Gated, Normed, Pointwise
from camber.activations.parameters import Fixed, Granularity, Initial
from camber.activations.polycom import PolyCom
from camber.activations.polynomial import Hermite, Polynomial
from camber.activations.polynorm import PolyNorm
from camber.activations.polyrelu import PolyReLU
from camber.activations.rational import GroupRational
from camber.activations.registry import lookup, names, register, unregister
from camber.activations.source import Source
from camber.activations.state import describe
from camber.activations.topk import TopK

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = [
    "DRA",
    "Activation",
    "Along",
    "CRReLU",
    "Entry",
    "Fixed",
    "FormulaAlong",
    "FormulaGated",
    "FormulaNormed",
    "FormulaPointwise",
    "Gated",
    "Granularity",
    "GroupRational",
    "GroupSort",
    "Hermite",
    "Householder",
    "Initial",
    "Kind",
    "MaxMin",
    "Normed",
    "Pointwise",
    "PolyCom",
    "PolyNorm",
    "PolyReLU",
    "Polynomial",
    "Source",
    "StateError",
    "TopK",
    "activation",
    "describe",
    "fit_rational",
    "lookup",
    "names",
    "register",
    "unregister",
]
