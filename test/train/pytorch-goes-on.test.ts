/** A run of ours that is cut goes on in PyTorch, from the checkpoint alone, with the losses that ours would have had. */

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { loadCheckpointFile, TorchTensor, type TorchValue, writeTorchFile } from "../../src/checkpoint";
import type { Config } from "../../src/config";
import { openTraining } from "../../src/train/datasets";
import { train } from "../../src/train/loop";
import { assertClose } from "../assert-close";
import { askTorch, LOAD, skipWithoutTorch } from "../checkpoint/python";
import { temporaryFolder } from "../data/make-shard";
import { tinyConfig, writeTinyData } from "./tiny-run";

/** 16 spectra in steps of 4: the cut lies within the third of five epochs, the learning rate falls. */
const CUT = 10;
const STEPS = 20;

/** The reference's module and its loop, for the tiny network: names, layers and arithmetic as in the original program. */
const GO_ON = `
import json, sys, torch
from torch import nn
from torch.nn import functional as F
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.gn1 = nn.Conv1d(1, 4, 9, padding=4), nn.GroupNorm(4, 4)
        self.conv2, self.gn2 = nn.Conv1d(4, 4, 9, padding=4), nn.GroupNorm(4, 4)
        self.lstm1, self.lstm2 = nn.LSTM(4, 6, batch_first=True), nn.LSTM(6, 5, batch_first=True)
        self.linear = nn.Linear(27 * 5, 8)
        self.linear_numax, self.linear_inc = nn.Linear(8, 4), nn.Linear(8, 2)
    def forward(self, power):
        x = torch.log(power).unsqueeze(1)
        for conv, gn in ((self.conv1, self.gn1), (self.conv2, self.gn2)):
            x = F.avg_pool1d(F.max_pool1d(gn(F.relu(conv(x))), 3, 1, 1), 3, padding=1)
        x = self.lstm2(self.lstm1(x.permute(0, 2, 1))[0])[0]
        trunk = torch.tanh(self.linear(x.flatten(1)))
        return self.linear_numax(trunk), self.linear_inc(trunk)
${LOAD}
saved, batches = load(sys.argv[1]), load(sys.argv[2])
model = Network()
model.load_state_dict(saved["model_state_dict"], strict=True)
optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=2)
optimizer.load_state_dict(saved["optimizer_state_dict"])
scheduler.load_state_dict(saved["scheduler_state_dict"])
losses, rates = [], []
for power, labels in batches:
    optimizer.zero_grad()
    loss = sum(F.cross_entropy(logits, labels[:, head].long()) for head, logits in enumerate(model(power)))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    rates.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step()
    losses.append(loss.item())
print(json.dumps(dict(losses=losses, rates=rates, weight=model.linear.weight.flatten().tolist())))
`;

test("PyTorch goes on with our run: the losses of ten more steps to 1e-4", { skip: skipWithoutTorch }, async (t) => {
  const data = writeTinyData(temporaryFolder(t));
  const config = tinyConfig(data, { engine: "native", dropout: 0, num_epochs: 5 });
  const whole = await run(config, temporaryFolder(t));
  assert.equal(whole.losses.length, STEPS);

  const path = temporaryFolder(t);
  const { losses } = await run(config, path, CUT);
  assert.deepEqual(losses, whole.losses.slice(0, CUT));
  const batches = join(temporaryFolder(t), "batches.pth");
  await writeBatches(config, batches);
  const theirs = askTorch(GO_ON, join(path, "checkpoint.pth"), batches) as {
    losses: number[];
    rates: number[];
    weight: number[];
  };
  assertClose(theirs.losses, whole.losses.slice(CUT), { rtol: 1e-4, what: "losses" });
  assertClose(theirs.rates, whole.rates.slice(CUT), { rtol: 1e-12, what: "learning rates" });
  const { model } = await loadCheckpointFile(join(whole.path, "model.pth"));
  assertClose(theirs.weight, model.get("linear.weight")!.data, { atol: 1e-4, what: "linear.weight at the end" });
});

/** Trains to the end, or until a signal after step `cut`. */
async function run(
  config: Config,
  path: string,
  cut?: number,
): Promise<{ path: string; losses: number[]; rates: number[] }> {
  const end = new AbortController();
  const losses: number[] = [];
  const rates: number[] = [];
  await train(config, {
    path,
    restore: false,
    signal: end.signal,
    onEvent(event) {
      if (event.kind !== "train") return;
      losses.push(event.loss);
      rates.push(event.learning_rate);
      if (event.step === cut) end.abort();
    },
  });
  return { path, losses, rates };
}

/** Writes the batches of the steps after the cut, each as (spectra, classes). */
async function writeBatches(config: Config, path: string): Promise<void> {
  const data = await openTraining(config);
  const batches: TorchValue[] = [];
  for (let epoch = 0; epoch < config.num_epochs; epoch++) {
    const order = data.order(config.seed, epoch, config.shuffle);
    for await (const { spectra, labels, size } of data.batches({ order, batchSize: config.num_batchsize })) {
      batches.push([
        new TorchTensor("float32", [size, data.points], spectra),
        new TorchTensor("int32", [size, data.heads.length], labels),
      ]);
    }
  }
  await data.close();
  await writeTorchFile(path, batches.slice(CUT));
}
