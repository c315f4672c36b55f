/** What a process holds: memory, handles, threads, tensors. */

import { readdirSync, readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as tf from "@tensorflow/tfjs-core";

export interface Resources {
  /** Resident memory in MiB, after a collection. */
  readonly residentMiB: number;
  readonly tensors: number;
  readonly handles: number;
  readonly threads: number;
}

setFlagsFromString("--expose-gc");

/** Frees what nothing refers to. */
export const collectGarbage = runInNewContext("gc") as () => void;

export function resourcesNow(): Resources {
  collectGarbage();
  return {
    residentMiB: residentMiB("self"),
    tensors: tf.memory().numTensors,
    handles: countOf("fd"),
    threads: countOf("task"),
  };
}

/** Resident memory of a process of this machine. */
export function residentMiB(pid: number | "self"): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))![1]) / 1024;
}

function countOf(what: "fd" | "task"): number {
  return readdirSync(`/proc/self/${what}`).length;
}
