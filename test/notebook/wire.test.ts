import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test from "node:test";
import { createRequest, decodeMessage, encodeMessage, MessageDecoder } from "../../src/notebook/wire";

const KEY = "a-key";

test("a message survives encoding and decoding, behind any number of routing ids", () => {
  const request = createRequest("execute_request", { code: "1 + 1 // ½" }, "session-1");
  const frames = encodeMessage(request, KEY);
  for (const ids of [[], [Buffer.from("a")], [Buffer.from("a"), Buffer.from("b")]]) {
    const message = decodeMessage([...ids, ...frames], KEY);
    assert.deepEqual({ ...message, buffers: [] }, request);
  }
  assert.equal(request.header.session, "session-1");
  assert.equal(request.header.version, "5.3");
});

test("the signature is HMAC-SHA256 over header, parent, metadata and content in that order", () => {
  const frames = encodeMessage(createRequest("kernel_info_request", {}, "s"), KEY);
  const expected = createHmac("sha256", KEY)
    .update(Buffer.concat(frames.slice(2, 6)))
    .digest("hex");
  assert.equal(frames[0]!.toString(), "<IDS|MSG>");
  assert.equal(frames[1]!.toString(), expected);
});

test("an empty key leaves the signature empty and accepts any", () => {
  const frames = encodeMessage(createRequest("status", {}, "s"), "");
  assert.equal(frames[1]!.length, 0);
  assert.equal(decodeMessage(frames, "").header.msg_type, "status");
});

test("a message with a changed part, another key or a short signature is refused", () => {
  const frames = encodeMessage(createRequest("status", { execution_state: "idle" }, "s"), KEY);
  const changed = [...frames.slice(0, 5), Buffer.from('{"execution_state":"busy"}')];
  const text = /Cannot decode message: its signature is not that of the connection's key/;
  assert.throws(() => decodeMessage(changed, KEY), text);
  assert.throws(() => decodeMessage(frames, "other"), text);
  assert.throws(() => decodeMessage([frames[0]!, Buffer.from("ab"), ...frames.slice(2)], KEY), text);
});

test("a message without delimiter, parts or JSON objects is refused", () => {
  assert.throws(() => decodeMessage([Buffer.from("x")], KEY), /no <IDS\|MSG> among 1 frames/);
  assert.throws(() => decodeMessage([Buffer.from("<IDS|MSG>"), Buffer.from("")], ""), /expected signature and 4 parts/);
  const frames = encodeMessage(createRequest("status", {}, "s"), "");
  assert.throws(() => decodeMessage([...frames.slice(0, 5), Buffer.from("[1]")], ""), /a part is not a JSON object/);
});

test("a message whose header lacks id or type is refused", () => {
  const request = createRequest("status", {}, "s");
  for (const [field, value] of [
    ["msg_id", undefined],
    ["msg_type", 5],
  ] as const) {
    const header = { ...request.header, [field]: value } as unknown as typeof request.header;
    assert.throws(() => decodeMessage(encodeMessage({ ...request, header }, KEY), KEY), {
      name: "Error",
      message: `Cannot decode message: its header has no ${field}, which must be a string`,
    });
  }
});

test("a message is taken once, also behind other routing ids or with other buffers, which are not signed", () => {
  const decoder = new MessageDecoder(KEY);
  const frames = encodeMessage(createRequest("execute_request", { code: "1" }, "s"), KEY);
  const again = { name: "Error", message: "Cannot decode message: execute_request was received before" };
  assert.equal(decoder.decode(frames).header.msg_type, "execute_request");
  for (const replay of [frames, [Buffer.from("id"), ...frames], [...frames, Buffer.from("buffer")]]) {
    assert.throws(() => decoder.decode(replay), again);
  }
  decoder.decode(encodeMessage(createRequest("execute_request", { code: "1" }, "s"), KEY));
});

test("without a key, a message is known by its id", () => {
  const decoder = new MessageDecoder("");
  const request = createRequest("status", {}, "s");
  decoder.decode(encodeMessage(request, ""));
  const again = { ...request, content: { execution_state: "idle" } };
  assert.throws(() => decoder.decode(encodeMessage(again, "")), /status was received before/);
});

test("a message that was refused may still come in its true form, and the memory for those seen is bounded", () => {
  const decoder = new MessageDecoder(KEY);
  const first = encodeMessage(createRequest("status", { number: 0 }, "s"), KEY);
  const damaged = [...first.slice(0, 5), Buffer.from("{}")];
  assert.throws(() => decoder.decode(damaged), /its signature is not that of the connection's key/);
  decoder.decode(first);
  for (let number = 1; number <= 2 ** 16; number++) {
    if (number === 2 ** 16) assert.throws(() => decoder.decode(first), /status was received before/);
    decoder.decode(encodeMessage(createRequest("status", { number }, "s"), KEY));
  }
  decoder.decode(first); // 65,536 others have come since
});

test("buffers after the content are kept", () => {
  const message = { ...createRequest("comm_msg", {}, "s"), buffers: [Buffer.from([1, 2]), Buffer.from([3])] };
  assert.deepEqual(decodeMessage(encodeMessage(message, KEY), KEY).buffers, message.buffers);
});
