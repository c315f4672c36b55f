/** PyTorch opens what we write, and goes on with it as with its own. */

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { writeAtomically } from "../../src/checkpoint/atomic";
import { loadCheckpointFile, saveCheckpoint } from "../../src/checkpoint/checkpoints";
import { writeTorchArchive, writeTorchFile } from "../../src/checkpoint/torch-file";
import { TorchFloat, TorchTensor, TorchTuple, type TorchValue } from "../../src/checkpoint/torch-values";
import { askTorch, LOAD, skipWithoutTorch } from "./python";
import { scratchFolder } from "./scratch";
import { stateOf } from "./states";

const DESCRIBE = `
import json, sys, torch
def plain(v):
    if isinstance(v, torch.Tensor): return [str(v.dtype), list(v.shape), [str(x) for x in v.flatten().tolist()], list(v.stride())]
    if isinstance(v, dict): return ["dict", [[plain(k), plain(x)] for k, x in v.items()]]
    if isinstance(v, (list, tuple)): return [type(v).__name__, [plain(x) for x in v]]
    return [type(v).__name__, repr(v)]
`;

const value = new Map<string | number, TorchValue>([
  ["int", 1],
  ["float", 1.5],
  ["one", new TorchFloat(1)],
  [
    "integers",
    [
      0,
      255,
      256,
      65535,
      65536,
      -1,
      2 ** 31 - 1,
      2 ** 31,
      -(2 ** 31),
      -(2 ** 31) - 1,
      2n ** 63n,
      -(2n ** 63n),
      128n ** 9n,
    ],
  ],
  ["text", "µHz ☉ 𝄞"],
  ["tuples", new TorchTuple([null, true, false, new TorchTuple([]), [], new Map()])],
  [7, "key"],
  ["f32", new TorchTensor("float32", [2, 3], Float32Array.of(0, 1, -2, 0.5, 1e-45, 3e38))],
  ["f64", new TorchTensor("float64", [], Float64Array.of(0.1))],
  ["i64", new TorchTensor("int64", [2], BigInt64Array.of(-(2n ** 63n), 5n))],
  ["i32", new TorchTensor("int32", [1], Int32Array.of(-7))],
  ["i16", new TorchTensor("int16", [1], Int16Array.of(-7))],
  ["i8", new TorchTensor("int8", [1], Int8Array.of(-7))],
  ["u8", new TorchTensor("uint8", [1, 1], Uint8Array.of(200))],
  ["bool", new TorchTensor("bool", [2], Uint8Array.of(1, 0))],
  ["empty", new TorchTensor("float32", [0, 3], new Float32Array(0))],
  ["many", Array.from({ length: 300 }, (_, i) => `string ${i}`)],
]);

const list = (items: unknown[]) => ["list", items];
const int = (n: number | bigint) => ["int", String(n)];
const str = (s: string) => ["str", `'${s}'`];
const tensor = (dtype: string, shape: number[], data: string[], strides: number[]) => [
  `torch.${dtype}`,
  shape,
  data,
  strides,
];
const described = [
  "dict",
  [
    [str("int"), int(1)],
    [str("float"), ["float", "1.5"]],
    [str("one"), ["float", "1.0"]],
    [
      str("integers"),
      list(
        [
          ...[0, 255, 256, 65535, 65536, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1],
          2n ** 63n,
          -(2n ** 63n),
          128n ** 9n,
        ].map(int),
      ),
    ],
    [str("text"), str("µHz ☉ 𝄞")],
    [
      str("tuples"),
      ["tuple", [["NoneType", "None"], ["bool", "True"], ["bool", "False"], ["tuple", []], list([]), ["dict", []]]],
    ],
    [int(7), str("key")],
    [
      str("f32"),
      tensor(
        "float32",
        [2, 3],
        ["0.0", "1.0", "-2.0", "0.5", "1.401298464324817e-45", "3.0000000054977558e+38"],
        [3, 1],
      ),
    ],
    [str("f64"), tensor("float64", [], ["0.1"], [])],
    [str("i64"), tensor("int64", [2], ["-9223372036854775808", "5"], [1])],
    [str("i32"), tensor("int32", [1], ["-7"], [1])],
    [str("i16"), tensor("int16", [1], ["-7"], [1])],
    [str("i8"), tensor("int8", [1], ["-7"], [1])],
    [str("u8"), tensor("uint8", [1, 1], ["200"], [1, 1])],
    [str("bool"), tensor("bool", [2], ["True", "False"], [1])],
    [str("empty"), tensor("float32", [0, 3], [], [3, 1])],
    [str("many"), list(Array.from({ length: 300 }, (_, i) => str(`string ${i}`)))],
  ],
];

test("torch.load(weights_only=True) opens every kind of value, with and without mmap", {
  skip: skipWithoutTorch,
}, async (t) => {
  const dir = scratchFolder(t);
  const paths = { narrow: join(dir, "32-bit.pth"), wide: join(dir, "64-bit.pth"), shared: join(dir, "shared.pth") };
  await writeTorchFile(paths.narrow, value);
  await writeAtomically([paths.wide], (file) => writeTorchArchive(file, value, { zip64Limit: 1 }));
  const data = new Float32Array(6);
  await writeTorchFile(paths.shared, [new TorchTensor("float32", [6], data), new TorchTensor("float32", [2, 3], data)]);
  const load = `${DESCRIBE}${LOAD}
loaded = [plain(load(path, m)) for path in sys.argv[1:3] for m in (False, True)]
flat, square = load(sys.argv[3])
flat[4] = 9
print(json.dumps([loaded, square.tolist()]))`;
  const [loaded, square] = askTorch(load, paths.narrow, paths.wide, paths.shared) as [unknown[], unknown];
  for (const each of loaded) assert.deepEqual(each, described);
  assert.equal(loaded.length, 4);
  // Tensors that share an array share memory there too.
  assert.deepEqual(square, [
    [0, 0, 0],
    [0, 9, 0],
  ]);
});

const RUN = `
import hashlib, json, sys, torch
from torch import nn
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.gn1, self.lstm1, self.linear = nn.Conv1d(1, 8, 5, padding=2), nn.GroupNorm(8, 8), nn.LSTM(8, 6, batch_first=True), nn.Linear(60, 3)
    def forward(self, x):
        return self.linear(self.lstm1(self.gn1(self.conv1(x).relu()).permute(0, 2, 1))[0].flatten(1))
torch.manual_seed(5)
torch.set_num_threads(1)
model = Network()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-4, total_steps=20)
def go(start, end):
    for step in range(start, end):
        optimizer.zero_grad()
        x = torch.randn(4, 1, 10, generator=torch.Generator().manual_seed(step))
        model(x).square().mean().backward()
        optimizer.step()
        scheduler.step()
def digest():
    h = hashlib.sha256()
    for p in model.parameters():
        h.update(p.detach().numpy().tobytes())
    return [h.hexdigest(), optimizer.param_groups[0]["lr"], list(optimizer.param_groups[0]["betas"])]
`;

test("PyTorch goes on with a run that went through our checkpoint as if it had not been cut", {
  skip: skipWithoutTorch,
}, async (t) => {
  const dir = scratchFolder(t);
  const theirs = join(dir, "theirs.pth");
  const start = `${RUN}
go(0, 4)
torch.save(dict(epoch=4, optimizer_state_dict=optimizer.state_dict(), train_loss=1.0, val_loss=2.0, model_state_dict=model.state_dict(), scheduler_state_dict=scheduler.state_dict()), sys.argv[1])
go(4, 9)
print(json.dumps(digest()))`;
  const uncut = askTorch(start, theirs);
  const { model, optimizer, scheduler } = await loadCheckpointFile(theirs);
  await saveCheckpoint(dir, stateOf(4, { model, optimizer: optimizer!, scheduler }), {
    isBest: true,
    isEpochEnd: true,
    keep: 1,
  });
  const resume = `${RUN}${LOAD}
saved = load(sys.argv[1])
model.load_state_dict(saved["model_state_dict"], strict=True)
optimizer.load_state_dict(saved["optimizer_state_dict"])
scheduler.load_state_dict(saved["scheduler_state_dict"])
go(saved["epoch"], 9)
print(json.dumps(digest()))`;
  assert.deepEqual(askTorch(resume, join(dir, "is_best.pth")), uncut);
});
