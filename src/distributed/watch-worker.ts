/** The thread that watches for the main one, which may compute for seconds: one line of JSON a second, each way. */

import { writeSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import type { MpiAddon } from "./addon";
import { endDaemon, endLauncherLater, endStopped, ownIdentity, type ProcessIdentity } from "./orphans";
import { PulseReader, type PulseState } from "./pulse";
import type { WatchAnswer, WatchRequest, WatchSettings } from "./watch";

type Line =
  | { kind: "hello"; token: string; rank: number; process: ProcessIdentity }
  | { kind: "stay" }
  | { kind: "beat"; pulse: PulseState }
  | { kind: "tell"; reason: string; isSilence: boolean };

/** The other end of a connection. */
interface Peer {
  readonly socket: Socket;
  rank: number;
  name: string;
  /** Null until it has said who it is. */
  process: ProcessIdentity | null;
  heardAt: number;
  /** Of its main thread, as it said last. */
  pulse: PulseState;
  /** It said why it ends, or is one of several connections of a rank that has yet to choose. */
  isExplained: boolean;
}

const BEAT_MS = 1000;
const CONNECT_MS = 5000;
/** After a rank has said why it ends, the launcher ends the others; without one they do so themselves. */
const LAUNCHER_MS = 5000;

if (parentPort === null) throw new Error("Cannot run the watch by itself: expected a worker thread");
const port = parentPort;
const settings = workerData as WatchSettings;
const { rank, size, host, meeting, silenceSeconds, addonPath, told } = settings;
const ownPulse = new PulseReader(settings.pulse, settings.hangSeconds * 1000, settings.patience, Date.now());
const CALM: PulseState = { quietSeconds: 0, isHung: false, isWaiting: false };
const peers = new Set<Peer>();
let isRelaxed = false;
let lookedAt = Date.now();

if (rank === 0) listen();
else void join();
setInterval(beat, BEAT_MS);

port.on("message", (request: WatchRequest) => {
  if (request.kind === "tell") {
    tellAll({ kind: "tell", reason: request.reason, isSilence: false }, () => {
      Atomics.store(told, 0, 1);
      Atomics.notify(told, 0);
    });
    return;
  }
  isRelaxed = true;
  port.postMessage({ kind: "relaxed" } satisfies WatchAnswer);
});

/** Rank 0: takes the connections of all others. */
function listen(): void {
  const server = createServer((socket) => {
    const peer = follow(socket, { rank: -1, name: "an unknown rank", process: null, isExplained: true });
    setTimeout(() => {
      if (peer.rank < 0) socket.destroy(); // not one of ours
    }, CONNECT_MS).unref();
  });
  server.listen({ port: 0, host: "::" }).once("error", () => server.listen({ port: 0, host: "0.0.0.0" }));
  server.on("listening", () => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the watch has no port");
    port.postMessage({ kind: "open", port: address.port } satisfies WatchAnswer);
  });
}

/** Another rank: finds rank 0 at one of its addresses; they are tried at once, and the first that answers is it. */
async function join(): Promise<void> {
  const attempts = meeting.addresses.map((address) => greet(address));
  try {
    const socket = await Promise.any(attempts);
    for (const attempt of attempts) attempt.then((other) => other !== socket && other.destroy()).catch(() => {});
    follow(socket, { rank: 0, name: "rank 0", process: meeting.process, isExplained: false });
    send(socket, { kind: "stay" });
    port.postMessage({ kind: "open", port: meeting.port } satisfies WatchAnswer);
  } catch {
    throw new Error(`rank 0 is not reached at any of ${meeting.addresses.join(", ")}, port ${meeting.port}`);
  }
}

/** Connects and says who this is; rank 0 answers a right token with its first beat. */
function greet(address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: meeting.port, timeout: CONNECT_MS });
    socket.once("timeout", () => socket.destroy(new Error("no answer")));
    socket.once("error", reject).once("close", () => reject(new Error("closed")));
    socket.once("connect", () =>
      send(socket, { kind: "hello", token: meeting.token, rank, process: ownIdentity(host) }),
    );
    socket.once("data", () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

function follow(socket: Socket, about: Pick<Peer, "rank" | "name" | "process" | "isExplained">): Peer {
  const peer: Peer = { socket, heardAt: Date.now(), pulse: CALM, ...about };
  let text = "";
  socket.setNoDelay(true);
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    peer.heardAt = Date.now();
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop()!;
    for (const line of lines) hear(peer, line);
  });
  socket.on("error", () => {}); // a close follows
  socket.on("close", () => {
    peers.delete(peer);
    if (!peer.isExplained && !isRelaxed) {
      end(`${peer.name} ended without a word: it was killed, or the machine ran out of memory`);
    }
  });
  peers.add(peer);
  return peer;
}

function hear(peer: Peer, text: string): void {
  let line: Line;
  try {
    line = JSON.parse(text) as Line;
  } catch {
    peer.socket.destroy();
    return;
  }
  if (line.kind === "hello" && rank === 0 && peer.rank < 0) {
    if (line.token !== meeting.token || line.rank >= size) {
      peer.socket.destroy();
      return;
    }
    peer.rank = line.rank;
    peer.process = line.process;
    peer.name = `rank ${line.rank} on ${line.process.host} (process ${line.process.pid})`;
    send(peer.socket, { kind: "beat", pulse: CALM });
  } else if (line.kind === "beat") {
    peer.pulse = line.pulse;
  } else if (line.kind === "stay" && peer.rank > 0) {
    peer.isExplained = false;
  } else if (line.kind === "tell") {
    // It has printed its reason itself.
    peer.isExplained = true;
    setTimeout(abort, LAUNCHER_MS);
    if (line.isSilence) endLauncherLater();
    if (rank === 0) tellAll(line);
  }
}

function beat(): void {
  const now = Date.now();
  // When this process itself was stopped, as a whole job may be, nobody else was silent.
  const isLate = now - lookedAt > 3 * BEAT_MS;
  lookedAt = now;
  if (isLate) ownPulse.forgive(now);
  const pulse = ownPulse.read(now);
  tellAll({ kind: "beat", pulse });
  if (rank === 0) findHung(pulse);
  for (const peer of peers) {
    if (isLate) peer.heardAt = now;
    if (now - peer.heardAt > silenceSeconds * 1000 && !peer.isExplained && !isRelaxed) {
      end(`${peer.name} is silent for ${silenceSeconds} s: it was stopped, or its machine or network is gone`, peer);
    }
  }
}

/** Ends the job when the main thread of a rank computes without end while another waits for it. */
function findHung(own: PulseState): void {
  const ranks = [{ name: `rank 0 on ${host} (process ${process.pid})`, pulse: own }, ...peers];
  const hung = ranks.find(({ pulse }) => pulse.isHung);
  if (hung === undefined || isRelaxed || !ranks.some(({ pulse }) => pulse.isWaiting && !pulse.isHung)) return;
  end(
    `${hung.name} has hung for ${Math.round(hung.pulse.quietSeconds)} s while others wait for it: its main thread is in an ` +
      "endless loop, or locked in native code (ASTEROLAB_HANG_SECONDS allows longer work)",
  );
}

function tellAll(line: Line, done: () => void = () => {}): void {
  let left = peers.size;
  if (left === 0) done();
  for (const { socket } of peers) {
    send(socket, line, () => {
      if (--left === 0) done();
    });
  }
}

function send(socket: Socket, line: Line, done: () => void = () => {}): void {
  if (socket.writable) socket.write(`${JSON.stringify(line)}\n`, done);
  else done();
}

/** Says why, to people and to the other ranks, and ends all of them, the silent one too. */
function end(reason: string, silent: Peer | null = null): void {
  const isSilence = silent !== null;
  isRelaxed = true;
  writeSync(2, `asterolab: rank ${rank} on ${host}: ${reason}; the job ends\n`);
  tellAll({ kind: "tell", reason, isSilence });
  if (isSilence) endLauncherLater();
  setTimeout(() => {
    if (silent?.process) endStopped(silent.process, host);
    if (isSilence) endDaemon();
    abort();
  }, 200);
}

function abort(): void {
  (require(addonPath) as MpiAddon).abort(1);
}
