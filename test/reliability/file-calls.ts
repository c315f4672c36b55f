/**
 * Stands between the product and Node's file system: every call that changes a folder passes through one function, which
 * can write it down, stop the process there, or make it fail. The product knows nothing of it.
 */

import { promises as fs } from "node:fs";
import type { FileHandle } from "node:fs/promises";

/** A call that changes what is on disk. */
export type FileCall =
  | { readonly kind: "create"; readonly path: string }
  | { readonly kind: "write"; readonly path: string; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: "sync"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly to: string }
  | { readonly kind: "rename"; readonly path: string; readonly to: string }
  | { readonly kind: "remove"; readonly path: string };

/** Does the call itself. */
export type Proceed = () => Promise<unknown>;

/**
 * Lets `meet` decide about every call from now on.
 *
 * @returns ends it.
 */
export function interceptFileCalls(meet: (call: FileCall, proceed: Proceed) => Promise<unknown>): () => void {
  const { open, link, rename, rm } = fs;
  const intercepted = {
    async open(path: string, flags?: string): Promise<FileHandle> {
      const isNew = /[wax]/.test(flags ?? "r");
      const file = isNew
        ? ((await meet({ kind: "create", path }, () => open(path, flags))) as FileHandle)
        : await open(path, flags);
      return watchHandle(file, path, meet);
    },
    link: (path: string, to: string) => meet({ kind: "link", path, to }, () => link(path, to)),
    rename: (path: string, to: string) => meet({ kind: "rename", path, to }, () => rename(path, to)),
    async rm(path: string, options?: { force?: boolean }) {
      const exists = await fs.access(path).then(
        () => true,
        () => false,
      );
      // Removing what is not there changes nothing.
      return exists ? meet({ kind: "remove", path }, () => rm(path, options)) : rm(path, options);
    },
  };
  Object.assign(fs, intercepted);
  return () => void Object.assign(fs, { open, link, rename, rm });
}

function watchHandle(
  file: FileHandle,
  path: string,
  meet: (call: FileCall, proceed: Proceed) => Promise<unknown>,
): FileHandle {
  const write = file.write.bind(file) as (
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => Promise<unknown>;
  const { sync } = file;
  Object.assign(file, {
    write: (bytes: Uint8Array, offset: number, length: number, position: number) =>
      meet({ kind: "write", path, position, bytes: bytes.slice(offset, offset + length) }, () =>
        write(bytes, offset, length, position),
      ),
    sync: () => meet({ kind: "sync", path }, () => sync.call(file)),
  });
  return file;
}
