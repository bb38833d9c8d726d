"""How fast this machine multiplies matrices, in the shapes and precisions of the training measured."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True)
class Shape:
    """The encoder and its input: `tokens` is what an update sees, padding not counted."""

    layers: int
    hidden: int
    intermediate: int
    tokens: int

    @property
    def matrices(self) -> int:
        """The parameters of the encoder's matrices; embeddings are looked up, not multiplied."""
        return self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate)

    def flops(self, tokens: int, squares: int) -> float:
        """Floating point operations of training on real tokens, forward and backward.

        6 for each parameter of a matrix and token (Kaplan et al. 2020, section 2.1), and attention: scores
        and sums of values, each 2 L^2 H forward and twice that backward. `squares` is the sum of L^2.
        """
        return 6.0 * self.matrices * tokens + 12.0 * self.layers * self.hidden * squares


def matrix_rate(
    shape: Shape, precision: str, seconds: float = 2.0, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Floating point operations per second of the encoder's matrix products, forward and backward."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, hidden, wide = PRECISIONS[precision], shape.hidden, shape.intermediate
    products = []
    for inputs, outputs in ((hidden, hidden), (hidden, wide), (wide, hidden)):
        states = torch.randn(shape.tokens, inputs, device=device).to(kind)
        weights = torch.randn(outputs, inputs, device=device).to(kind)
        gradient = torch.randn(shape.tokens, outputs, device=device).to(kind)
        count = 4 if inputs == outputs else 1
        products += [(states, weights.T), (gradient, weights), (gradient.T, states)] * count
    operations = sum(2.0 * left.shape[0] * left.shape[1] * right.shape[1] for left, right in products)
    best, ends = 0.0, time.monotonic() + seconds
    while time.monotonic() < ends or not best:
        began = clock()
        for left, right in products:
            left @ right
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = max(best, operations / (clock() - began))
    return best
