"""Bounded, S-shaped functions: sigmoid, tanh and their relatives."""

from torch.nn.functional import sigmoid, tanh

from camber.activations.parameters import Fixed
from camber.activations.registry import register
from camber.activations.source import Source

_TORCH_DOCS = "https://docs.pytorch.org/docs/stable/generated/"
_BACKPROP = Source(
    authors="LeCun, Bottou, Orr and Müller",
    title="Efficient BackProp",
    year=1998,
    url="https://doi.org/10.1007/3-540-49430-8_2",
)

register(
    "sigmoid",
    formula="sigmoid(x)",
    native=sigmoid,
    summary="The logistic function 1/(1 + exp(-x)).",
    source=Source(
        authors="Rumelhart, Hinton and Williams",
        title="Learning representations by back-propagating errors",
        year=1986,
        url="https://doi.org/10.1038/323533a0",
    ),
    tags=("torch.nn", "transformers"),
)
# Not PyTorch's own: its gradient holds 1/6 in float32 even for float64 input.
register(
    "hardsigmoid",
    formula="min(max(x + 3, 0), 6)/6",
    summary="The sigmoid replaced by a clipped line.",
    source=Source(
        authors="Howard et al.", title="Searching for MobileNetV3", year=2019, arxiv="1905.02244"
    ),
    tags=("torch.nn",),
)
# PyTorch's own logsigmoid and softsign keep two and three tensors for the backward pass.
register(
    "logsigmoid",
    formula="-softplus(-x)",
    summary="Logarithm of the sigmoid.",
    source=Source(
        authors="PyTorch contributors",
        title="torch.nn.LogSigmoid",
        year=2017,
        url=_TORCH_DOCS + "torch.nn.LogSigmoid.html",
    ),
    tags=("torch.nn",),
)
register(
    "tanh",
    formula="tanh(x)",
    native=tanh,
    summary="Hyperbolic tangent.",
    source=_BACKPROP,
    tags=("torch.nn", "transformers"),
)
register(
    "lecun_tanh",
    formula="1.7159*tanh(2/3*x)",
    summary="tanh scaled so that it maps 1 to 1 and has its largest curvature there.",
    source=_BACKPROP,
)
register(
    "penalized_tanh",
    formula="where(x > 0, tanh(x), alpha*tanh(x))",
    alpha=Fixed(0.25),
    summary="tanh with a smaller slope on the left.",
    source=Source(
        authors="Xu, Huang and Li",
        title="Revise Saturated Activation Functions",
        year=2016,
        arxiv="1602.05980",
    ),
)
# Not PyTorch's own: it subtracts in half precision, where x and tanh(x) cancel.
register(
    "tanhshrink",
    formula="x - tanh(x)",
    summary="What tanh leaves out: flat at 0, a line far out.",
    source=Source(
        authors="PyTorch contributors",
        title="torch.nn.Tanhshrink",
        year=2017,
        url=_TORCH_DOCS + "torch.nn.Tanhshrink.html",
    ),
    tags=("torch.nn",),
)
register(
    "softsign",
    formula="x/(1 + abs(x))",
    summary="Saturates like 1/x instead of exponentially.",
    source=Source(
        authors="Bergstra, Desjardins, Lamblin and Bengio",
        title="Quadratic Polynomials Learn Better Image Features",
        year=2009,
        url="https://www.iro.umontreal.ca/~lisa/publications2/index.php/publications/show/388",
    ),
    tags=("torch.nn",),
)
register(
    "isru",
    formula="x/sqrt(1 + alpha*x**2)",
    alpha=Fixed(1),
    summary="Inverse square root unit: x over the length of (1, x).",
    source=Source(
        authors="Carlile, Delamarter, Kinney, Marti and Whitney",
        title="Improving Deep Learning by Inverse Square Root Linear Units (ISRLUs)",
        year=2017,
        arxiv="1710.09967",
    ),
)
