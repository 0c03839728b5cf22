"""Stable (thin)."""

from __future__ import annotations

from camber.formula.tree import Node


def stable(root: Node) -> Node:
    return root
