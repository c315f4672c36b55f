"""Small .pth files as PyTorch writes them, with the numbers they hold.

    python make_golden.py              (PyTorch 2.13: every file; PyTorch 1.13: those named *-1.13.pth)

The values are written a second time as JSON, from Python, so that the tests compare with PyTorch and not with our reader.
"""
import json, os
import torch
from torch import nn

here = os.path.dirname(os.path.abspath(__file__))
modern = int(torch.__version__.split(".")[0]) >= 2
expected = {}


def save(name, value, **options):
    torch.save(value, os.path.join(here, name), **options)


def plain(value):
    if isinstance(value, torch.Tensor):
        data = value.detach().double().flatten().tolist() if value.is_floating_point() else value.flatten().tolist()
        return {"dtype": str(value.dtype)[6:], "shape": list(value.shape), "data": [str(x) for x in data]}
    return {key: plain(item) for key, item in value.items()}


def network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv1d(1, 4, 5), nn.GroupNorm(4, 4), nn.Linear(6, 2))


def reference_checkpoint(wrap=""):
    """The dict of the reference program after three steps of Adam under OneCycleLR."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-4, steps_per_epoch=20, epochs=1)
    for step in range(3):
        optimizer.zero_grad()
        model(torch.linspace(-1, 1, 10).reshape(1, 1, 10) * (step + 1)).square().sum().backward()
        optimizer.step()
        scheduler.step()
    weights = {wrap + key: value for key, value in model.state_dict().items()}
    moments = {f"{kind}.{i}": s[kind] for i, s in optimizer.state_dict()["state"].items() for kind in ("exp_avg", "exp_avg_sq")}
    group = optimizer.param_groups[0]
    settings = {"lr": group["lr"], "beta1": group["betas"][0], "last_epoch": scheduler.last_epoch}
    return dict(epoch=3, optimizer_state_dict=optimizer.state_dict(), train_loss=1.5, val_loss=1.25,
                model_state_dict=weights, scheduler_state_dict=scheduler.state_dict()), weights, moments, settings


checkpoint, weights, moments, settings = reference_checkpoint("module.")
name = "reference.pth" if modern else "reference-1.13.pth"
save(name, checkpoint)
record = {"weights": plain(weights), "moments": plain(moments), **settings}
with open(os.path.join(here, name.replace(".pth", ".json")), "w") as f:
    json.dump(record, f, indent=1)

if modern:
    state = network().state_dict()  # an OrderedDict with _metadata
    save("state_dict.pth", state)
    save("old-format.pth", state, _use_new_zipfile_serialization=False)
    base = torch.arange(24, dtype=torch.float32)
    dtypes = ["float16", "bfloat16", "float64", "int64", "int32", "int16", "uint8", "int8", "bool"]
    numbers = torch.tensor([0.0, 1.0, -2.5, 65504.0, 6e-8, 1e-5, 0.333251953125, float("inf"), float("nan")])
    odd = {
        "transposed": base.reshape(4, 6).t(),
        "every_third": base[1::3],
        "inner": base.reshape(2, 3, 4)[:, 1:, 2:],
        "expanded": torch.tensor([1.0, 2.0]).expand(3, 2),
        "whole": base,
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(7.5),
        "parameter": nn.Parameter(torch.ones(2)),
        "half_transposed": torch.arange(6).reshape(2, 3).half().t(),
        **{d: numbers.to(getattr(torch, d)) if "float" in d else torch.tensor([0, 1, 2, 127]).to(getattr(torch, d)) for d in dtypes},
        "big_int64": torch.tensor([-(2**63), 2**63 - 1]),
    }
    save("tensors.pth", odd)
    with open(os.path.join(here, "state_dict.json"), "w") as f:
        json.dump(plain(state), f, indent=1)
    with open(os.path.join(here, "tensors.json"), "w") as f:
        json.dump(plain(odd), f, indent=1)
    save("plain.pth", {"int": 1, "float": 1.0, "huge": 2**70, "negative": -5, "text": "µHz ☉", "none": None, "flags": [True, False],
                       "tuple": (1, (2.5, "x"), []), "size": torch.Size([2, 3]), 7: {"nested": [1, [2, [3]]]}, "long": list(range(3000))})
