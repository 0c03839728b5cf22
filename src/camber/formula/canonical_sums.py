"""Sums and products in canonical form: collect like terms and like factors, exactly.

A sum is a constant and rational multiples of distinct terms; a product is a rational coefficient
and whole powers of distinct factors, above and below the line. Both are rebuilt as left-leaning
chains in a fixed order, so that reading a rebuilt tree gives the same collection again.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Final

from camber.formula.build import ONE, ZERO, call
from camber.formula.canonical_products import (
    MAX_EXPONENT,
    Product,
    TooLargeError,
    bounded,
    keep_hole,
    raised,
)
from camber.formula.operations import OPERATIONS
from camber.formula.tree import Call, Constant, Input, Node, Number, Parameter, walk

#: Operations defined for all real arguments.
_TOTAL: Final = (
    "add", "sub", "mul", "neg", "exp", "erf", "sigmoid", "tanh", "softplus", "sin", "cos", "atan",
    "sinh", "cosh", "abs", "sign", "min", "max", "where", "poly", "spline", "signed_log",
    "signed_sqrt", "guarded_div", "lt", "le", "gt", "ge", "eq", "ne",
)  # fmt: skip

Key = tuple[int, int, str, int, bytes]


class Collector:
    """Rewrites sums and products; holds the sort keys of the nodes it has met."""

    def __init__(self) -> None:
        self._keys: dict[Node, Key] = {}
        self._total: dict[Node, bool] = {}
        # What each rebuilt sum and product was made of, so that no tree is taken apart twice and
        # nothing here recurses deeper than one level.
        self._sums: dict[Node, tuple[Fraction, dict[Node, Fraction]]] = {}
        self._products: dict[Node, Product] = {}

    def key(self, node: Node) -> Key:
        """A total order on trees that does not depend on the process: numbers first, then small."""
        if node not in self._keys:
            for part in walk(node):
                if part not in self._keys:
                    self._keys[part] = self._make_key(part)
        return self._keys[node]

    def _make_key(self, node: Node) -> Key:
        if isinstance(node, Number):
            return 0, 0, "", 0, str(node.value).encode()
        if isinstance(node, Constant):
            return 1, 0, node.name, 0, b""
        if isinstance(node, Parameter):
            return 2, 0, node.name, -1 if node.index is None else node.index, b""
        if isinstance(node, Input):
            return 3, 0, node.name, 0, b""
        if not isinstance(node, Call):
            return 5, 0, "", 0, b""
        below = [self._keys[child] for child in node.children]
        size = 1 + sum(max(key[1], 1) for key in below)
        mark = hashlib.sha256(repr((node.operation, node.options, below)).encode()).digest()
        return 4, size, node.operation, len(below), mark

    def total(self, node: Node) -> bool:
        """Whether ``node`` is defined, and finite, for all real inputs and parameters."""
        if node not in self._total:
            for part in walk(node):
                own = not isinstance(part, Call) or part.operation in _TOTAL
                if isinstance(part, Call) and part.operation == "pow":
                    exponent = part.arguments[1]
                    whole = isinstance(exponent, Number) and exponent.value.denominator == 1
                    own = whole and isinstance(exponent, Number) and exponent.value > 0
                if isinstance(part, Call) and OPERATIONS[part.operation].statistic:
                    own = False
                own = own and part != Constant("inf")
                self._total[part] = own and all(self._total[child] for child in part.children)
        return self._total[node]

    # Sums

    def terms(self, node: Node) -> tuple[Fraction, dict[Node, Fraction]]:
        """The constant of a sum and the coefficients of its terms."""
        fixed = Fraction(0)
        found: dict[Node, Fraction] = {}
        pending: list[tuple[Node, Fraction]] = [(node, Fraction(1))]
        while pending:
            part, weight = pending.pop()
            known = self._sums.get(part)
            if isinstance(part, Number):
                fixed = bounded(fixed + weight * part.value)
            elif known is not None:
                fixed = bounded(fixed + weight * known[0])
                for term, share in known[1].items():
                    found[term] = bounded(found.get(term, Fraction(0)) + weight * share)
            elif isinstance(part, Call) and part.operation in ("add", "sub"):
                first, second = part.arguments
                sign = 1 if part.operation == "add" else -1
                pending.append((second, weight * sign))
                pending.append((first, weight))
            elif isinstance(part, Call) and part.operation == "neg":
                pending.append((part.arguments[0], -weight))
            else:
                product = self.product(part)
                weight = bounded(weight * product.coefficient)
                product = product.monic()
                term = self.rebuild_product(product)
                if _is_sum(term):
                    pending.append((term, weight))
                else:
                    found[term] = bounded(found.get(term, Fraction(0)) + weight)
        return fixed, found

    def rebuild_sum(self, fixed: Fraction, found: dict[Node, Fraction]) -> Node:
        found = self._without_zeros(found)
        result: Node | None = Number(fixed) if fixed else None
        for term, weight in found.items():
            if result is None:
                result = self._weighted(term, weight)
            elif weight < 0:
                result = call("sub", result, self._weighted(term, -weight))
            else:
                result = call("add", result, self._weighted(term, weight))
        if result is None:
            return ZERO
        if _is_sum(result):
            self._sums[result] = fixed, found
        return result

    def _without_zeros(self, found: dict[Node, Fraction]) -> dict[Node, Fraction]:
        """Terms in order; one of weight 0 keeps only the factors that limit the domain."""
        kept = {term: weight for term, weight in found.items() if weight}
        for term in found:
            if term not in kept and not self.total(term):
                product = self.product(term).monic()
                product.above = {f: 1 for f in product.above if not self.total(f)}
                kept.setdefault(self.rebuild_product(product), Fraction(0))
        return {term: kept[term] for term in sorted(kept, key=self.key)}

    def _weighted(self, term: Node, weight: Fraction) -> Node:
        if weight == 1:
            return term
        if weight == -1:
            return call("neg", term)
        product = self.product(term).monic()
        product.coefficient = weight
        return self.rebuild_product(product)

    # Products

    def product(self, node: Node) -> Product:
        """The coefficient and factors of a product, its sums freed of common coefficients."""
        result = Product()
        pending: list[tuple[Node, int]] = [(node, 1)]
        while pending:
            part, exponent = pending.pop()
            known = self._products.get(part) if exponent == 1 else None
            if known is not None:
                result.scale(known.coefficient)
                for factor, count in known.above.items():
                    result.enter(factor, count)
                for factor, count in known.below.items():
                    result.enter(factor, -count)
            elif isinstance(part, Number) and (exponent > 0 or part.value != 0):
                result.scale(raised(part.value, exponent))
            elif isinstance(part, Call) and part.operation == "neg":
                result.scale(Fraction((-1) ** (exponent % 2)))
                pending.append((part.arguments[0], exponent))
            elif isinstance(part, Call) and part.operation == "mul":
                first, second = part.arguments
                pending.append((second, exponent))
                pending.append((first, exponent))
            elif isinstance(part, Call) and part.operation == "div":
                first, second = part.arguments
                pending.append((second, -exponent))
                pending.append((first, exponent))
                if exponent < 0:
                    keep_hole(pending, second, -exponent)
            elif (power := _whole_power(part)) is not None:
                base, inner = power
                if abs(inner * exponent) > MAX_EXPONENT:
                    raise TooLargeError
                pending.append((base, inner * exponent))
                if exponent < 0 and inner < 0:
                    keep_hole(pending, base, 1)
            else:
                self._enter(result, part, exponent)
        result.settle()
        return result

    def _enter(self, result: Product, factor: Node, exponent: int) -> None:
        if _is_sum(factor):
            fixed, found = self.terms(factor)
            lead = fixed or next(
                (found[t] for t in sorted(found, key=self.key) if found[t]), Fraction(1)
            )
            if lead != 1:
                result.scale(raised(lead, exponent))
                divided = {term: bounded(weight / lead) for term, weight in found.items()}
                factor = self.rebuild_sum(bounded(fixed / lead), divided)
        result.enter(factor, exponent)

    def rebuild_product(self, product: Product) -> Node:
        coefficient = product.coefficient
        above = sorted(product.above.items(), key=lambda item: self.key(item[0]))
        below = sorted(product.below.items(), key=lambda item: self.key(item[0]))
        if ZERO in product.below:
            # defined nowhere, whatever else stands below
            below = [(ZERO, 1)]
        if coefficient == 0:
            above = [(factor, 1) for factor, _ in above if not self.total(factor)]
            if not above and not below:
                return ZERO
        if len(above) == 1 and above[0][1] == 1 and not below and _is_sum(above[0][0]):
            fixed, found = self.terms(above[0][0])
            scaled = {term: bounded(weight * coefficient) for term, weight in found.items()}
            return self.rebuild_sum(bounded(fixed * coefficient), scaled)
        negative = coefficient == -1 and bool(above)
        chain: Node | None = None if negative or coefficient == 1 else Number(coefficient)
        for factor, exponent in above:
            powered = _powered(factor, exponent)
            chain = powered if chain is None else call("mul", chain, powered)
        result = ONE if chain is None else chain
        if below:
            under: Node | None = None
            for factor, exponent in below:
                powered = _powered(factor, exponent)
                under = powered if under is None else call("mul", under, powered)
            result = call("div", result, under if under is not None else ONE)
        result = call("neg", result) if negative else result
        if isinstance(result, Call) and result.operation in ("neg", "mul", "div", "pow"):
            self._products[result] = product
        return result

    # What canonical() asks for

    def arithmetic(self, node: Call) -> Node:
        """The canonical form of an add, sub, neg, mul, div or pow of canonical parts."""
        return self.rebuild_sum(*self.terms(node))

    def scale(self, node: Node, factor: Fraction) -> Node:
        """factor * node."""
        fixed, found = self.terms(node)
        scaled = {term: bounded(weight * factor) for term, weight in found.items()}
        return self.rebuild_sum(bounded(fixed * factor), scaled)

    def leads_negative(self, node: Node) -> bool:
        """Whether the first coefficient of ``node`` in canonical order is negative."""
        fixed, found = self.terms(node)
        return (fixed or next((found[t] for t in sorted(found, key=self.key)), Fraction(0))) < 0


def _is_sum(node: Node) -> bool:
    return isinstance(node, Call) and node.operation in ("add", "sub")


def _powered(factor: Node, exponent: int) -> Node:
    return factor if exponent == 1 else call("pow", factor, Number(Fraction(exponent)))


def _whole_power(node: Node) -> tuple[Node, int] | None:
    """(base, n) of base ** n for a small whole n other than 0."""
    if not (isinstance(node, Call) and node.operation == "pow"):
        return None
    base, exponent = node.arguments
    if not isinstance(exponent, Number) or exponent.value.denominator != 1:
        return None
    whole = exponent.value.numerator
    return (base, whole) if 0 < abs(whole) <= MAX_EXPONENT else None
