/** Checks what a pickle made before anyone walks through it: no cycles, no deep nests, no parts shared without end. */

import { Global, Inert, StorageRef } from "./pickle-globals";
import { MAX_DEPTH, TorchTuple, type TorchValue } from "./torch-values";

/** A walk that enters shared parts each time may visit this many values for every byte of the pickle. */
const MAX_VISITS_PER_BYTE = 16;

/**
 * Returns `root` once it is known to be a tree of values that can be walked; skipped objects become null.
 *
 * @param pickleBytes the length of the pickle, which bounds the walk.
 * @throws {Error} when it contains itself, nests deeper than {@link MAX_DEPTH}, or its shared parts (a "memo bomb")
 * would make a walk through it far longer than the pickle, or when it holds a bare name or storage.
 */
export function checkTree(root: unknown, pickleBytes: number): TorchValue {
  const holder = [root];
  const measured = new Map<object, Measure>();
  const open = new Set<object>();
  const frames: Frame[] = [openFrame(holder)];
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const child = frame.children[frame.next++];
    if (child === undefined) {
      frames.pop();
      open.delete(frame.container);
      measured.set(frame.container, frame);
      const parent = frames.at(-1);
      if (parent !== undefined) include(parent, frame, pickleBytes);
      continue;
    }
    const known = measured.get(child);
    if (known !== undefined) {
      include(frame, known, pickleBytes);
    } else {
      if (open.has(child)) throw new Error("its pickle contains itself");
      if (frames.length > MAX_DEPTH + 1) throw new Error(`its pickle nests deeper than ${MAX_DEPTH} levels`);
      open.add(child);
      frames.push(openFrame(child));
    }
  }
  return holder[0] as TorchValue;
}

type Container = Map<unknown, unknown> | unknown[] | TorchTuple;

interface Measure {
  /** Values in it, shared parts counted each time. */
  visits: number;
  /** Levels below it. */
  height: number;
}

interface Frame extends Measure {
  readonly container: Container;
  readonly children: readonly Container[];
  next: number;
}

function include(parent: Measure, child: Measure, pickleBytes: number): void {
  parent.visits += child.visits;
  parent.height = Math.max(parent.height, child.height + 1);
  if (parent.height > MAX_DEPTH + 1) throw new Error(`its pickle nests deeper than ${MAX_DEPTH} levels`);
  if (parent.visits > MAX_VISITS_PER_BYTE * Math.max(pickleBytes, 1)) {
    throw new Error("its pickle shares its parts so often that it would unfold without end");
  }
}

function openFrame(container: Container): Frame {
  const children: Container[] = [];
  let visits = 0;
  const visit = (value: unknown, replace: (value: null) => void): void => {
    visits++;
    if (value instanceof Global) throw new Error(`it holds ${value.name} itself where a value should be`);
    if (value instanceof StorageRef) throw new Error("it holds a storage where a tensor should be");
    if (value instanceof Inert) replace(null);
    else if (value instanceof Map || Array.isArray(value) || value instanceof TorchTuple) children.push(value);
  };
  if (container instanceof Map) {
    for (const [key, value] of container) visit(value, (nothing) => container.set(key, nothing));
  } else {
    const items = container instanceof TorchTuple ? (container.items as unknown[]) : container;
    items.forEach((value, i) => {
      visit(value, (nothing) => {
        items[i] = nothing;
      });
    });
  }
  return { container, children, next: 0, visits, height: 0 };
}
