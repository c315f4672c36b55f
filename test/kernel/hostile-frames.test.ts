/** Frames that no client would send, at the kernel's own sockets: it goes on, and runs nothing twice. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import test from "node:test";
import { Dealer } from "zeromq";
import { createRequest, encodeMessage, type Message } from "../../src/notebook/wire";
import { streamOf, TestClient } from "./test-client";

const CHANNELS = ["shell", "control", "stdin"] as const;

test("replayed, forged and malformed frames on any channel do not end the kernel or run a cell again", async (t) => {
  const client = await TestClient.start();
  t.after(() => client.stop());
  const { info } = client.connection;
  const dealers = CHANNELS.map((channel) => {
    const dealer = new Dealer({ linger: 1000 });
    dealer.connect(`tcp://127.0.0.1:${info[`${channel}_port`]}`);
    t.after(() => dealer.close());
    return dealer;
  });
  const sendAll = async (frames: readonly Uint8Array[]): Promise<void> => {
    for (const dealer of dealers) await dealer.send([...frames]);
  };
  await client.execute("let runs = 0;");

  // As an eavesdropper would: what was once on the wire comes again, byte for byte.
  const run = (): Message => createRequest("execute_request", { code: "runs++;" }, "eavesdropped");
  const recorded = encodeMessage(run(), info.key);
  await dealers[0]!.send(recorded);
  await dealers[0]!.receive();
  for (let time = 0; time < 3; time++) await sendAll(recorded);
  const shutdown = encodeMessage(createRequest("shutdown_request", { restart: false }, "forged"), "another key");
  await sendAll(shutdown);

  const good = encodeMessage(run(), info.key);
  const part = (at: number, bytes: Uint8Array | string): Buffer[] =>
    good.map((frame, index) => (index === at ? Buffer.from(bytes) : frame));
  const signed = (change: Partial<Message>): Buffer[] => encodeMessage({ ...run(), ...change }, info.key);
  for (const frames of [
    [Buffer.alloc(0)],
    [Buffer.from("<IDS|MSG>")],
    good.slice(0, 4),
    part(0, "<IDS|MSG"),
    part(1, ""),
    part(1, randomBytes(1 << 20)),
    part(2, "{"),
    part(5, Buffer.alloc(1000, 0xff)),
    Array.from({ length: 500 }, () => Buffer.from("<IDS|MSG>")),
    signed({ header: {} as never }),
    signed({ header: { ...run().header, msg_type: undefined as never } }),
    signed({ header: { ...run().header, msg_id: 7 as never } }),
    signed({ content: [] as never }),
    signed({ metadata: null as never }),
  ]) {
    await sendAll(frames);
  }
  // Well signed, but not what the type calls for: answered with an error, or not at all.
  for (const type of ["execute", "complete", "inspect", "is_complete", "history", "comm_info", "input"]) {
    await sendAll(encodeMessage(createRequest(`${type}_request`, {}, "s"), info.key));
    const odd = { code: { a: 1 }, cursor_pos: "x", value: [], n: -1, pattern: 5, hist_access_type: null };
    await sendAll(encodeMessage(createRequest(`${type}_request`, odd, "s"), info.key));
  }
  // Bytes that are not even ZeroMQ's, and what ZeroMQ takes for a message of its first version without an envelope:
  // such a message used to end the heartbeat, and the kernel with it.
  for (const port of [info.shell_port, info.control_port, info.stdin_port, info.iopub_port, info.hb_port]) {
    for (const bytes of [randomBytes(4096), Buffer.from("\x01\x00\x05\x00ping")]) await sendBytes(port, bytes);
  }

  const { published } = await client.execute("console.log(runs);");
  assert.equal(streamOf(published), "1\n");
  assert.equal(client.process.exitCode, null);
  assert.ok((await client.ping()) < 5000);
});

async function sendBytes(port: number, bytes: Uint8Array): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(bytes, () => socket.destroy());
  await once(socket, "close");
}
