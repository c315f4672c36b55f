/**
 * PyTorch's `.pth` files, read and written without Python: a ZIP archive with a pickle and one entry per tensor storage.
 *
 * Ours also hold a manifest with the SHA-256 of every other entry, which PyTorch ignores: `torch.load` itself returns wrong
 * numbers when a bit has flipped on disk.
 */

import { promises as fs } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { endianness } from "node:os";
import { writeAtomically } from "./atomic";
import { loadError } from "./load-error";
import { readPickle } from "./pickle-reader";
import { writePickle } from "./pickle-writer";
import { tensorFactory } from "./tensor-views";
import type { TorchValue } from "./torch-values";
import { ZipReader } from "./zip-reader";
import { ZipWriter } from "./zip-writer";

/** The content of a `.pth` file. */
export interface TorchFile {
  readonly value: TorchValue;
  /** Whether a manifest vouched for every byte; false for files that other programs wrote. */
  readonly verified: boolean;
}

/**
 * Writes a value as a `.pth` file that `torch.load(path, weights_only=True)` opens, with and without `mmap=True`.
 *
 * Atomic: `path` holds its old content or the new, never a part. Tensors are written from where they lie and must not
 * change until the promise settles.
 *
 * @throws {CheckpointError} when the file cannot be written.
 * @throws {RangeError|TypeError} when the value cannot be pickled ({@link writePickle}).
 */
export async function writeTorchFile(path: string, value: TorchValue): Promise<void> {
  await writeAtomically([path], (file) => writeTorchArchive(file, value));
}

/**
 * Writes the bytes of a `.pth` file to an empty file that is open for writing.
 *
 * @throws {RangeError|TypeError} when the value cannot be pickled ({@link writePickle}).
 */
export async function writeTorchArchive(
  file: FileHandle,
  value: TorchValue,
  options: { zip64Limit?: number } = {},
): Promise<void> {
  const { bytes: pickle, storages } = writePickle(value);
  const zip = new ZipWriter(file, options);
  const sha256: Record<string, string> = {};
  const add = async (name: string, payload: Uint8Array): Promise<void> => {
    sha256[name] = await zip.add(TOP_FOLDER + name, payload);
  };
  await add("data.pkl", pickle);
  await add(".format_version", Buffer.from("1"));
  await add(".storage_alignment", Buffer.from("64"));
  await add("byteorder", Buffer.from(HOST_BYTE_ORDER));
  for (const [key, { buffer, byteOffset, byteLength }] of storages.entries()) {
    await add(`data/${key}`, new Uint8Array(buffer, byteOffset, byteLength));
  }
  await add("version", Buffer.from("3\n"));
  await zip.add(TOP_FOLDER + MANIFEST, Buffer.from(JSON.stringify({ sha256 })));
  await zip.finish();
}

/**
 * The value in a `.pth` file; {@link loadTorchFile} also tells whether it was verified.
 *
 * @throws {CheckpointError} as {@link loadTorchFile}.
 */
export async function readTorchFile(path: string): Promise<TorchValue> {
  return (await loadTorchFile(path)).value;
}

/**
 * Reads a `.pth` file of ours or of PyTorch 1.6 and later. No code in it is run, and memory stays within a small multiple
 * of the file's size, whatever it claims.
 *
 * @throws {CheckpointError} when the file is missing, of another format, damaged, cut off, or uses Python names outside
 * the allow-list.
 */
export async function loadTorchFile(path: string): Promise<TorchFile> {
  let file: FileHandle | undefined;
  try {
    file = await fs.open(path, "r");
    await refuseOldFormat(file, path);
    return await readArchive(await ZipReader.open(file));
  } catch (error) {
    throw loadError(path, error);
  } finally {
    await file?.close();
  }
}

/** PyTorch takes any one folder. */
const TOP_FOLDER = "archive/";
const MANIFEST = ".asterolab/manifest.json";
const HOST_BYTE_ORDER = endianness() === "LE" ? "little" : "big";
/** A tensor takes about 150; a value of one byte takes up to ten times that in memory. */
const MAX_PICKLE_BYTES = 8 << 20;

async function readArchive(zip: ZipReader): Promise<TorchFile> {
  const topFolder = topFolderOf([...zip.entries.keys()]);
  const manifest = await readManifest(zip, topFolder);
  if (manifest !== null) await zip.checkFraming();
  const payloads = new Map<string, Uint8Array>();
  for (const entry of zip.entries.values()) {
    if (!entry.name.startsWith(topFolder)) throw new Error(`entry "${entry.name}" lies outside folder "${topFolder}"`);
    const name = entry.name.slice(topFolder.length);
    if (name === MANIFEST) continue;
    const { bytes, sha256 } = await zip.read(entry);
    if (manifest !== null && manifest.get(name) !== sha256) {
      throw new Error(`entry "${entry.name}" is damaged: its SHA-256 differs from the manifest's`);
    }
    payloads.set(name, bytes);
  }
  for (const name of manifest?.keys() ?? []) {
    if (!payloads.has(name)) throw new Error(`it lacks entry "${name}" of its manifest`);
  }
  return { value: interpret(payloads, zip.size), verified: manifest !== null };
}

function interpret(payloads: ReadonlyMap<string, Uint8Array>, fileBytes: number): TorchValue {
  const byteOrder = Buffer.from(payloads.get("byteorder") ?? Buffer.from("little")).toString("latin1");
  if (byteOrder !== HOST_BYTE_ORDER) {
    throw new Error(
      `its numbers are ${JSON.stringify(byteOrder)}-endian, this machine's are ${HOST_BYTE_ORDER}-endian`,
    );
  }
  const pickle = payloads.get("data.pkl")!;
  if (pickle.length > MAX_PICKLE_BYTES) {
    throw new Error(`its data.pkl has ${pickle.length} bytes, more than the ${MAX_PICKLE_BYTES} that are read`);
  }
  const storages = new Map<string, Uint8Array>();
  for (const [name, bytes] of payloads) if (name.startsWith("data/")) storages.set(name.slice(5), bytes);
  return readPickle(pickle, tensorFactory(storages, fileBytes));
}

function topFolderOf(names: readonly string[]): string {
  const folders = names.flatMap((name) => /^([^/]+\/)data\.pkl$/.exec(name)?.[1] ?? []);
  if (folders.length !== 1) throw new Error("it is a ZIP archive, but not of PyTorch: expected one <folder>/data.pkl");
  return folders[0]!;
}

/** The SHA-256 of every other entry by name, or null where the file has no manifest. */
async function readManifest(zip: ZipReader, topFolder: string): Promise<Map<string, string> | null> {
  const entry = zip.entries.get(topFolder + MANIFEST);
  if (entry === undefined) return null;
  const { bytes } = await zip.read(entry);
  let manifest: { sha256?: unknown } | null = null;
  try {
    manifest = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    // Reported below.
  }
  const sha256 = manifest?.sha256;
  if (typeof sha256 !== "object" || sha256 === null) throw new Error(`its ${MANIFEST} holds no SHA-256 sums`);
  return new Map(Object.entries(sha256));
}

/** Before PyTorch 1.6, and with `_use_new_zipfile_serialization=False`, a `.pth` file is a bare pickle. */
async function refuseOldFormat(file: FileHandle, path: string): Promise<void> {
  const start = Buffer.alloc(4);
  const { bytesRead } = await file.read(start, 0, start.length, 0);
  if (bytesRead === 0) throw new Error("it is empty");
  if (start[0] === 0x80) {
    const name = JSON.stringify(path);
    throw new Error(
      `it has PyTorch's format from before 1.6; convert it in Python: torch.save(torch.load(${name}, map_location="cpu"), ${name})`,
    );
  }
  if (start.toString("latin1") !== "PK\x03\x04") throw new Error("it is not a .pth file: expected a ZIP archive");
}
