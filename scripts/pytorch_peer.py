"""The network in PyTorch, as the other side of `asterolab bench --peer PYTHON`.

Reads one JSON request a line on stdin and answers with one JSON line on stdout:

    {"do": "setup", "heads": {"dnu": 180, ...}, "length": 35692, "batch": 32, "threads": 2, "filters": [16, ...],
     "kernel": 51, "lstm": [256, 512], "dense": 200, "dropout": 0.25, "gpu": false, "mixed": false}
    {"do": "train", "steps": 3}      -> {"seconds": [...], "cpu_seconds": [...], "peak_rss_mb": ...}
    {"do": "infer", "steps": 3}      -> {"seconds": [...], "cpu_seconds": [...], "peak_rss_mb": ...}

One process serves a whole measurement, so that its warm-up is paid once.
"""
import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Network(nn.Module):
    """Convolution blocks, two LSTMs, one trunk, one linear head per parameter. Input [B, L], positive power."""

    def __init__(self, request):
        super().__init__()
        channels = [1, *request["filters"]]
        kernel, (first, second) = request["kernel"], request["lstm"]
        pairs = list(zip(channels, channels[1:]))
        self.convolutions = nn.ModuleList(nn.Conv1d(i, o, kernel, padding=kernel // 2) for i, o in pairs)
        self.norms = nn.ModuleList(nn.GroupNorm(o, o) for o in channels[1:])
        self.dropout = nn.Dropout(request["dropout"])
        self.lstm1 = nn.LSTM(channels[-1], first, batch_first=True)
        self.lstm2 = nn.LSTM(first, second, batch_first=True)
        steps = request["length"]
        for _ in pairs:
            steps = (steps - 1) // 3 + 1
        self.trunk = nn.Linear(steps * second, request["dense"])
        self.heads = nn.ModuleList(nn.Linear(request["dense"], classes) for classes in request["heads"].values())

    def forward(self, power):
        x = torch.log(power).unsqueeze(1)
        for index, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            x = norm(F.relu(convolution(x)))
            x = F.avg_pool1d(F.max_pool1d(x, 3, 1, 1), 3, padding=1)
            if index >= len(self.norms) - 2:
                x = self.dropout(x)
        x = self.dropout(self.lstm1(x.permute(0, 2, 1))[0])
        x = self.dropout(self.lstm2(x)[0])
        trunk = torch.tanh(self.trunk(self.dropout(x.flatten(1))))
        return [head(trunk) for head in self.heads]


class Peer:
    def setup(self, request):
        torch.set_num_threads(request["threads"])
        torch.manual_seed(0)
        self.device = "cuda" if request["gpu"] and torch.cuda.is_available() else "cpu"
        self.mixed = request["mixed"]
        self.network = Network(request).to(self.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-4)
        self.power = torch.empty(request["batch"], request["length"], device=self.device).exponential_() + 1e-3
        batch = (request["batch"],)
        self.labels = [torch.randint(n, batch, device=self.device) for n in request["heads"].values()]
        parameters = sum(p.numel() for p in self.network.parameters())
        name = f"torch {torch.__version__}"
        name += f", {torch.cuda.get_device_name()}" if self.device == "cuda" else ""
        name += ", bfloat16 autocast" if self.mixed else ""
        return {"name": name, "threads": torch.get_num_threads(), "parameters": parameters}

    def train(self, request):
        self.network.train()
        return self.timed(request["steps"], self.train_step)

    def infer(self, request):
        self.network.eval()
        with torch.no_grad():
            return self.timed(request["steps"], self.evaluate)

    def evaluate(self):
        with torch.autocast(self.device, torch.bfloat16, enabled=self.mixed):
            return self.network(self.power)

    def train_step(self):
        self.optimizer.zero_grad()
        logits = [head.float() for head in self.evaluate()]
        sum(F.cross_entropy(z, y) for z, y in zip(logits, self.labels)).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()

    def timed(self, steps, work):
        seconds, cpu_seconds = [], []
        for _ in range(steps):
            started_at, cpu_before = time.perf_counter(), time.process_time()
            work()
            if self.device == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - started_at)
            cpu_seconds.append(time.process_time() - cpu_before)
        return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_rss_mb": peak_rss_mb()}


def peak_rss_mb():
    """Of this program alone: Linux's `ru_maxrss` begins with what its parent held when it started it."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


peer = Peer()
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(getattr(peer, request["do"])(request)), flush=True)
