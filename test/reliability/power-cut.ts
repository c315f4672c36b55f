/**
 * What a disk may hold after the power fails: of a recorded sequence of calls, everything that was synced is there, and of
 * the rest any part. Written data may be missing in pieces; each name in the folder may be any of those it had since the
 * folder was last synced, in whatever combination: file systems order less than one thinks.
 */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Random } from "../../src/random";
import type { FileCall } from "./file-calls";

/** A call, or the point where a save told its caller that all is safe. */
export type Event = FileCall | { readonly kind: "saved"; readonly epoch: number };

interface Inode {
  synced: Uint8Array;
  unsynced: { readonly position: number; readonly bytes: Uint8Array }[];
}

/** Names' contents since the folder was last synced, the newest last; null: no such name. */
type Names = Map<string, (Inode | null)[]>;

/**
 * Writes into `into` what the folder `dir` may look like when the power fails after `events`.
 *
 * @param choice `none` or `all` of what was not synced is on disk, or a `Random` part of it.
 */
export function afterPowerCut(
  events: readonly Event[],
  dir: string,
  into: string,
  choice: "none" | "all" | Random,
): void {
  const names = replay(events, dir);
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into);
  for (const [name, history] of names) {
    const index = choice === "none" ? 0 : choice === "all" ? history.length - 1 : choice.integer(history.length);
    const inode = history[index]!;
    if (inode !== null) writeFileSync(join(into, name), contentOf(inode, choice));
  }
}

function replay(events: readonly Event[], dir: string): Names {
  const names: Names = new Map();
  const open = new Map<string, Inode>();
  const set = (path: string, inode: Inode | null): void => {
    const name = basename(path);
    names.set(name, [...(names.get(name) ?? [null]), inode]);
  };
  const now = (path: string): Inode | null => names.get(basename(path))?.at(-1) ?? null;
  for (const event of events) {
    if (event.kind === "saved") continue;
    if (event.kind === "create") {
      const inode: Inode = { synced: new Uint8Array(0), unsynced: [] };
      open.set(event.path, inode);
      set(event.path, inode);
    } else if (event.kind === "write") {
      open.get(event.path)!.unsynced.push(event);
    } else if (event.kind === "sync" && event.path === dir) {
      for (const [name, history] of names) names.set(name, history.slice(-1));
    } else if (event.kind === "sync") {
      const inode = open.get(event.path)!;
      inode.synced = apply(inode.synced, inode.unsynced);
      inode.unsynced = [];
    } else if (event.kind === "link") {
      set(event.to, now(event.path));
    } else if (event.kind === "rename") {
      set(event.to, now(event.path));
      set(event.path, null);
    } else {
      set(event.path, null);
    }
  }
  return names;
}

function contentOf({ synced, unsynced }: Inode, choice: "none" | "all" | Random): Uint8Array {
  if (choice === "none" || unsynced.length === 0) return synced;
  if (choice === "all") return apply(synced, unsynced);
  const kept = unsynced.filter(() => choice.uniform() < 0.5);
  const content = apply(synced, kept);
  // The size may be on disk without the data, and the data without the size.
  const size = synced.length + choice.integer(content.length - synced.length + 512);
  const cut = new Uint8Array(size);
  cut.set(content.subarray(0, size));
  return cut;
}

function apply(content: Uint8Array, writes: Inode["unsynced"]): Uint8Array {
  const length = Math.max(content.length, ...writes.map(({ position, bytes }) => position + bytes.length));
  const result = new Uint8Array(length);
  result.set(content);
  for (const { position, bytes } of writes) result.set(bytes, position);
  return result;
}
