"""Thirty layers, four activations: the signal keeps its scale where weights get their gain.

Every weight matrix is drawn with standard deviation gain / sqrt(fan_in). PyTorch's table of gains
has no entry for GELU, SiLU or a formula of yours; `camber.gain` computes one from the formula. The
numbers printed are the root mean square of the activations' inputs by depth; 1 everywhere is ideal.
"""

import torch
from torch import nn

import camber

DEPTH, WIDTH, BATCH = 30, 512, 256
SPECS = ("relu", "gelu", "tanh", "x*sigmoid(1.7*x)")


def scales(spec: str, gain: float) -> list[float]:
    """Root mean square of the pre-activations of a random network, layer by layer."""
    generator = torch.Generator().manual_seed(0)
    act = camber.activation(spec)
    signal = torch.randn(BATCH, WIDTH, generator=generator)
    seen = []
    with torch.no_grad():
        for _ in range(DEPTH):
            weight = torch.randn(WIDTH, WIDTH, generator=generator) * gain / WIDTH**0.5
            seen.append(float(signal.square().mean().sqrt()))
            signal = act(signal) @ weight.T
    return seen


def main() -> None:
    shown = (0, 1, 4, 9, 19, 29)
    print(f"{'':18} {'gain':>7}  " + "".join(f"layer {layer + 1:<4}" for layer in shown))
    for spec in SPECS:
        own = camber.gain(camber.activation(spec))
        he = nn.init.calculate_gain("relu")
        for label, gain in ((spec, own), ("  with ReLU's gain", he)):
            found = scales(spec, gain)
            print(f"{label:18} {gain:7.4f}  " + "".join(f"{found[i]:<10.3g}" for i in shown))


if __name__ == "__main__":
    main()
