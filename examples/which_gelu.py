"""Three functions are called GELU. How far apart are they, and what do they do to a network?

The exact one uses erf; many checkpoints were trained with one of two approximations. This prints
the largest gap of each pair, where it is, and the initialisation gain that each asks for.
"""

from itertools import combinations

import camber
from camber.compare.gap import gap

NAMES = ("gelu", "gelu_tanh", "quick_gelu")


def main() -> None:
    acts = {name: camber.activation(name) for name in NAMES}
    for name, act in acts.items():
        print(f"{name:12} gain {camber.gain(act):.6f}   {act.formula}")
    print()
    for first, second in combinations(NAMES, 2):
        found = gap(acts[first], acts[second])
        print(
            f"{first} and {second}: at most {found.largest:.1e} apart, at x = {found.where:g}; "
            f"{found.mean:.1e} on average over N(0, 1)"
        )


if __name__ == "__main__":
    main()
