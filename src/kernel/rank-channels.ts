/** A rank's connections to the front. */

import { connect, type Socket } from "node:net";
import { type FrontAddress, type Hello, RANK_CHANNELS, type RankChannel } from "./rank-address";
import { readLine } from "./read-line";
import { type FrontChannels, writeAll } from "./user-runtime";

/** @throws {Error} of the system when the front is not there any more. */
export async function connectToFront(
  front: FrontAddress,
  about: Omit<Hello, "token" | "channel">,
): Promise<FrontChannels> {
  const { host, port, token } = front;
  const hello = (channel: RankChannel): string => `${JSON.stringify({ token, channel, ...about } satisfies Hello)}\n`;
  const open = (channel: RankChannel): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      socket.pause(); // what comes on the input channel is not for Node to read
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.removeListener("error", reject);
        socket.on("error", () => undefined); // the control channel's end ends the process
        socket.write(hello(channel), () => resolve(socket));
      });
    });
  // The thread that hears interrupts opens the control channel itself.
  const [messages, requests, input] = await Promise.all(
    RANK_CHANNELS.filter((channel) => channel !== "control").map(open),
  );
  return {
    requests: requests!,
    control: { host, port, hello: hello("control") },
    send: (line) => writeAll(descriptorOf(messages!), line),
    readAnswer: () => readLine(descriptorOf(input!)),
  };
}

/** A computing cell never lets Node write, so lines go to the descriptor itself; Node does not tell it officially. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { fd: number } | null };
  if (handle === null || handle.fd < 0) throw new Error("Cannot reach the kernel: its connection is closed");
  return handle.fd;
}
