"""Canonical form (thin)."""

from __future__ import annotations

from camber.formula.tree import Node


def canonical(root: Node) -> Node:
    return root
