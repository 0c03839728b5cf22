"""Sphinx configuration: MyST pages, the catalogue and the reference generated from the package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

import camber

project = "camber"
author = "The camber authors"
copyright = "The camber authors"  # Sphinx's own name for it
release = camber.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "catalogue",
    "reference",
]
exclude_patterns = ["_build", "pictures"]
source_suffix = {".md": "markdown"}

myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_default_options = {"members": True, "show-inheritance": False}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "camber"
html_static_path = ["_static"]
html_css_files = ["camber.css"]
html_theme_options = {"navigation_with_keys": True}
# Types are written as they are in the source, many of them private aliases: they are not links.
nitpicky = False
