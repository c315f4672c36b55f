/** The process in which the cells of the single-process kernel run: its channels are pipes that the front made. */

import { Socket } from "node:net";
import { CHANNELS } from "./channel";
import { readLine } from "./read-line";
import { startRuntime, writeAll } from "./user-runtime";

const marker = process.env.ASTEROLAB_KERNEL_MARKER ?? "";
delete process.env.ASTEROLAB_KERNEL_MARKER;

const { send } = startRuntime({
  marker,
  channels: {
    requests: new Socket({ fd: CHANNELS.requests, readable: true, writable: false }),
    control: { descriptor: CHANNELS.control },
    send: (line) => writeAll(CHANNELS.messages, line),
    readAnswer: () => readLine(CHANNELS.input),
  },
});
send({ kind: "ready" });
