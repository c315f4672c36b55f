"""Makes the numbers that test/model/parity.test.ts and test/train/parity.test.ts hold the network against, in PyTorch.

    python test/golden/parity/make_golden.py            # torch 2.13.0, numpy 2.4.6, one CPU

small    a narrow network with all fifteen heads; fresh torch weights in small.pth
full     the reference network (16 366 044 parameters, 35692 points, seven heads); its weights follow a formula that
         the test repeats, so that only results are stored

Inputs and labels follow the same formula in both. Dropout is off; five steps of Adam(lr 1e-4) with the gradient norm
clipped to 1. Weights and inputs are float32 numbers, the arithmetic is float64: PyTorch's float32 gradients of the
full network are off by 1e-4 from the first step on; its float32 norms are stored beside, as a measure of that.
The formula: u = (hash32(seed, tensor, element) + 0.5) / 2^32, hash32 as in src/random.ts.
"""
import copy
import json
import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
CLASSES = dict(dnu=180, dp=94, q=37, acr=28, aer=11, a3=4, inc=18, epp=20, epg=10, numax=99, snr=16, gamma=13, vl1=11, vl2=10, vl3=10)
SEVEN = ["dnu", "dp", "q", "acr", "aer", "a3", "inc"]
INPUT, LABELS = 1001, 1002  # tensor numbers beyond those of parameters


def mix32(word):
    word = word ^ (word >> np.uint32(16))
    word = word * np.uint32(0x85EBCA6B)
    word = word ^ (word >> np.uint32(13))
    word = word * np.uint32(0xC2B2AE35)
    return word ^ (word >> np.uint32(16))


def uniform(seed, tensor, count):
    """`count` numbers in (0, 1), float64."""
    value = np.full(count, 0x9E3779B9, np.uint32)
    for word in (np.uint32(seed), np.uint32(tensor), np.arange(count, dtype=np.uint32)):
        value = mix32((value * np.uint32(0x85EBCA6B)) ^ word)
    return (value + 0.5) / 2.0**32


class Model(nn.Module):
    """The reference network (conv, ReLU, GroupNorm, pools; LSTMs; trunk; heads) with the reference's names."""

    def __init__(self, heads, length, filters, hidden, dense, kernel=51):
        super().__init__()
        channels = [1, *filters]
        for i in range(len(filters)):
            setattr(self, f"conv{i + 1}", nn.Conv1d(channels[i], channels[i + 1], kernel, padding=kernel // 2))
            setattr(self, f"gn{i + 1}", nn.GroupNorm(channels[i + 1], channels[i + 1]))
            length = (length - 1) // 3 + 1
        self.stages = len(filters)
        self.lstm1 = nn.LSTM(filters[-1], hidden[0], batch_first=True)
        self.lstm2 = nn.LSTM(hidden[0], hidden[1], batch_first=True)
        self.linear = nn.Linear(length * hidden[1], dense)
        self.heads = heads
        for head in heads:
            setattr(self, f"linear_{head}", nn.Linear(dense, CLASSES[head]))

    def forward(self, power):  # [B, L]
        x = torch.log(power).unsqueeze(1)
        for i in range(1, self.stages + 1):
            x = getattr(self, f"gn{i}")(F.relu(getattr(self, f"conv{i}")(x)))
            x = F.avg_pool1d(F.max_pool1d(x, 3, 1, 1), 3, padding=1)
        x = self.lstm2(self.lstm1(x.permute(0, 2, 1))[0])[0]
        trunk = torch.tanh(self.linear(x.flatten(1)))
        return [getattr(self, f"linear_{head}")(trunk) for head in self.heads]


def fill_by_formula(model, seed):
    with torch.no_grad():
        for tensor, (name, parameter) in enumerate(model.named_parameters()):
            u = uniform(seed, tensor, parameter.numel()).reshape(parameter.shape)
            if name.startswith("gn"):
                values = (1.0 if name.endswith("weight") else 0.0) + 0.2 * (u - 0.5)
            elif name.startswith("lstm"):
                values = (2 * u - 1) / np.sqrt(parameter.shape[0] // 4)
            else:
                weight = dict(model.named_parameters())[name.replace("bias", "weight")]
                values = (2 * u - 1) / np.sqrt(np.prod(weight.shape[1:]))
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))


def adam_steps(model, x, y, steps):
    """Losses and gradient norms of clipped Adam steps, in the precision of the model."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    losses, norms = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = sum(F.cross_entropy(z, y[:, k]) for k, z in enumerate(model(x)))
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        losses.append(loss.item())
        optimizer.step()
    return losses, norms


def run(name, heads, length, batch, filters, hidden, dense, seed, steps=5, by_formula=False):
    torch.manual_seed(seed)
    model = Model(heads, length, filters, hidden, dense)
    if by_formula:
        fill_by_formula(model, seed)
    else:
        torch.save(model.state_dict(), f"{HERE}/{name}.pth")
    in_float32 = copy.deepcopy(model)
    model.double()
    power = -np.log(uniform(seed, INPUT, batch * length)) + 1e-3
    x = torch.from_numpy(power.astype(np.float32).reshape(batch, length))
    labels = uniform(seed, LABELS, batch * len(heads)).reshape(batch, len(heads))
    y = torch.from_numpy(np.floor(labels * [CLASSES[h] for h in heads]).astype(np.int64))
    with torch.no_grad():
        logits = {head: z[0].tolist() for head, z in zip(heads, model(x.double()))}
    losses, norms = adam_steps(model, x.double(), y, steps)
    _, float32_norms = adam_steps(in_float32, x, y, steps)
    golden = dict(torch=torch.__version__, heads=heads, length=length, batch=batch, filters=filters, hidden=hidden, dense=dense,
                  seed=seed, parameters=sum(p.numel() for p in model.parameters()), learning_rate=1e-4, clip_norm=1.0,
                  losses=losses, gradient_norms=norms, float32_gradient_norms=float32_norms, logits_of_sample_0=logits)
    with open(f"{HERE}/{name}.json", "w") as file:
        json.dump(golden, file)
    print(name, "losses", losses, "norms", norms, "in float32", float32_norms)


run("small", list(CLASSES), 1458, 2, [2, 4, 8, 16, 32, 64], [16, 32], 24, seed=3)
run("full", SEVEN, 35692, 2, [16, 32, 64, 128, 256, 512], [256, 512], 200, seed=5, by_formula=True)
