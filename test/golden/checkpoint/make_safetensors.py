"""Writes tensors.safetensors and halves.safetensors with the reference library (safetensors 0.8.0, torch 2.13.0)."""

import torch
from safetensors.torch import save_file

exact = {
    "conv1.weight": torch.arange(12, dtype=torch.float32).reshape(2, 2, 3) / 8,
    "conv1.bias": torch.tensor([-1.5, float("inf")]),
    "double": torch.tensor([0.1, -0.2], dtype=torch.float64),
    "long": torch.tensor([2**53 + 1, -1]),
    "short": torch.tensor([-3], dtype=torch.int16),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 4),
    "flag": torch.tensor([True, False, True]),
}
save_file(exact, "tensors.safetensors", metadata={"format": "pt"})
save_file(
    {
        "half": torch.tensor([1.0, -0.5, 65504.0, 6e-8], dtype=torch.float16),
        "brain": torch.tensor([1.0, -3.0, 1e30], dtype=torch.bfloat16),
    },
    "halves.safetensors",
)
