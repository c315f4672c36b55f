/** Jupyter's wire format: a message to and from the frames of a ZeroMQ multipart, signed with HMAC-SHA256. */

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { parseJson } from "../json";

export interface MessageHeader {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
}

/** What a message carries beyond its header; its fields depend on `msg_type` (Jupyter messaging 5.3). */
export type MessageContent = Readonly<Record<string, unknown>>;

export interface Message {
  readonly header: MessageHeader;
  /** The header of the request this answers; empty when the kernel speaks on its own. */
  readonly parentHeader: Partial<MessageHeader>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly content: MessageContent;
  readonly buffers: readonly Uint8Array[];
}

const DELIMITER = Buffer.from("<IDS|MSG>");
const PROTOCOL_VERSION = "5.3";

/** Messages a decoder remembers, as many as jupyter_client does: some ten megabytes. */
const REMEMBERED = 2 ** 16;

/**
 * Decodes what arrives on the sockets of one connection, and refuses what came before: a recorded message is as well
 * signed as a fresh one. The last 65,536 are remembered.
 */
export class MessageDecoder {
  /** In the order of arrival. */
  private readonly seen = new Set<string>();

  constructor(private readonly key: string) {}

  /** @throws {Error} as `decodeMessage`, and when the signature (without a key: the message's id) was seen before. */
  decode(frames: readonly Uint8Array[]): Message {
    const { message, signature } = decode(frames, this.key);
    const mark = this.key === "" ? message.header.msg_id : signature;
    if (this.seen.has(mark)) throw new Error(`Cannot decode message: ${message.header.msg_type} was received before`);
    this.seen.add(mark);
    if (this.seen.size > REMEMBERED) this.seen.delete(this.seen.values().next().value!);
    return message;
  }
}

/** A request of `session` with a fresh id, dated now. */
export function createRequest(msgType: string, content: MessageContent, session: string): Message {
  const header: MessageHeader = {
    msg_id: randomUUID(),
    msg_type: msgType,
    session,
    username: "asterolab",
    date: new Date().toISOString(),
    version: PROTOCOL_VERSION,
  };
  return { header, parentHeader: {}, metadata: {}, content, buffers: [] };
}

/** The frames of `message`; an empty key leaves the signature empty, as the protocol says. */
export function encodeMessage(message: Message, key: string): Buffer[] {
  const parts = [message.header, message.parentHeader, message.metadata, message.content].map((part) =>
    Buffer.from(JSON.stringify(part)),
  );
  return [DELIMITER, Buffer.from(sign(parts, key)), ...parts, ...message.buffers.map((buffer) => Buffer.from(buffer))];
}

/**
 * The message in `frames`, whatever number of routing ids precedes it.
 *
 * @throws {Error} when the delimiter or a part is missing, the signature is wrong, a part is no JSON object, or the
 * header lacks its id or type.
 */
export function decodeMessage(frames: readonly Uint8Array[], key: string): Message {
  return decode(frames, key).message;
}

function decode(frames: readonly Uint8Array[], key: string): { readonly message: Message; readonly signature: string } {
  const delimiter = frames.findIndex((frame) => DELIMITER.equals(frame));
  if (delimiter === -1) throw new Error(`Cannot decode message: no ${DELIMITER} among ${frames.length} frames`);
  const [signature, ...rest] = frames.slice(delimiter + 1);
  const parts = rest.slice(0, 4);
  if (signature === undefined || parts.length < 4) {
    throw new Error(
      `Cannot decode message: expected signature and 4 parts, got ${frames.length - delimiter - 1} frames`,
    );
  }
  if (key !== "" && !isSignature(signature, sign(parts, key))) {
    throw new Error("Cannot decode message: its signature is not that of the connection's key");
  }
  const [header, parentHeader, metadata, content] = parts.map(parseObject);
  for (const field of ["msg_id", "msg_type"]) {
    if (typeof header![field] !== "string") {
      throw new Error(`Cannot decode message: its header has no ${field}, which must be a string`);
    }
  }
  const message = {
    header: header as unknown as MessageHeader,
    parentHeader: parentHeader as Partial<MessageHeader>,
    metadata: metadata!,
    content: content!,
    buffers: rest.slice(4),
  };
  return { message, signature: Buffer.from(signature).toString("latin1") };
}

function sign(parts: readonly Uint8Array[], key: string): string {
  if (key === "") return "";
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

/** Compares in constant time, so that a forger learns nothing from how long a wrong signature takes. */
function isSignature(actual: Uint8Array, expected: string): boolean {
  const wanted = Buffer.from(expected);
  return actual.length === wanted.length && timingSafeEqual(actual, wanted);
}

function parseObject(part: Uint8Array): Record<string, unknown> {
  const value = parseJson(Buffer.from(part).toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("Cannot decode message: a part is not a JSON object");
  }
  return value as Record<string, unknown>;
}
