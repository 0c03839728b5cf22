"""ReLU max(x, 0), its clipped form, and the absolute value."""

from torch.nn.functional import relu, relu6

from camber.activations.registry import register
from camber.activations.source import Source

register(
    "relu",
    formula="max(x, 0)",
    native=relu,
    summary="Rectified linear unit: the positive part.",
    source=Source(
        authors="Nair and Hinton",
        title="Rectified Linear Units Improve Restricted Boltzmann Machines",
        year=2010,
        url="https://icml.cc/Conferences/2010/papers/432.pdf",
    ),
    tags=("torch.nn", "transformers"),
)
register(
    "relu6",
    formula="min(max(x, 0), 6)",
    native=relu6,
    summary="ReLU cut off at 6.",
    source=Source(
        authors="Krizhevsky",
        title="Convolutional Deep Belief Networks on CIFAR-10",
        year=2010,
        url="https://www.cs.toronto.edu/~kriz/conv-cifar10-aug2010.pdf",
    ),
    tags=("torch.nn", "transformers"),
)
register(
    "abs",
    formula="abs(x)",
    summary="Absolute value: folds the line, keeps every magnitude.",
    source=Source(
        authors="Berngardt",
        title="Improving Classification Neural Networks by using Absolute activation function "
        "(MNIST/LeNET-5 example)",
        year=2023,
        arxiv="2304.11758",
    ),
)
