"""Reproductions of papers: one file each, which only composes parts of the house.

Importing the package registers every study; a new file is a new study and nothing else changes.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__: list[str] = []
