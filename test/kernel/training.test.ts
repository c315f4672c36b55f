import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { resultOf, streamOf, TestClient } from "./test-client";

const SIMULATE = `
import { parseConfig, simulateDataset, train } from "asterolab";
await simulateDataset({ out: "data", shards: 1, validationShards: 1, spectraPerShard: 8, seed: 1 });
const config = parseConfig("compact", { data_dir: "data", num_epochs: 1000, num_batchsize: 4, seed: 1 });
let result: { stopped: string } | undefined;`;

const TRAIN = `
result = await train(config, {
  path: "run",
  restore: false,
  onEvent: (event) => { if (event.kind === "train") console.log("stepped"); },
});`;

test("an interrupt in the middle of training stops it after the step, with everything saved and the result at hand", async () => {
  const client = await TestClient.start();
  try {
    assert.equal((await client.execute(SIMULATE)).reply.evalue, undefined);
    const id = client.send("shell", "execute_request", { code: TRAIN });
    await client.until(() => streamOf(client.of(id)).includes("stepped\nstepped"), 60_000);
    await client.ask("interrupt_request", {}, "control");
    const { reply } = await client.answerTo(id);
    assert.equal(reply.ename, "KeyboardInterrupt");
    assert.equal(resultOf((await client.execute("result?.stopped")).published), "'interrupted'");
    assert.ok(readdirSync(join(client.folder, "run")).includes("checkpoint.pth"));
  } finally {
    await client.stop();
  }
});
