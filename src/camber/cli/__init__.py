"""The command line: one file per verb.

Nothing here imports torch before a verb runs: every verb imports what it needs inside its
function, so that ``camber --help`` costs a fifth of a second.
"""

from camber.cli.app import app, main

__all__ = ["app", "main"]
