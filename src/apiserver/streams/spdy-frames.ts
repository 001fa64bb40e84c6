/**
 * SPDY/3.1 frames as bytes (SPDY draft 3, section 2.2): what a client of exec, attach and port-forward sends after
 * `Upgrade: SPDY/3.1`, and what it is answered.
 *
 * Data is given on as it comes, so a frame of 16 MiB takes no memory; what cannot be a frame is a SpdyError, after
 * which the connection is of no more use.
 */

/** The peer does not keep to the protocol: the connection ends. */
export class SpdyError extends Error {
  override readonly name = 'SpdyError';
}

export type SpdyFrame =
  | { readonly type: 'synStream'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly type: 'headers'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly type: 'rstStream'; readonly streamId: number; readonly status: number }
  /** Of all settings, the one that binds who sends data. */
  | { readonly type: 'settings'; readonly initialWindow: number | undefined }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goAway' }
  /** Stream 0 is the whole connection. */
  | { readonly type: 'windowUpdate'; readonly streamId: number; readonly delta: number }
  /** A part of a data frame; `fin` comes with the last one. */
  | { readonly type: 'data'; readonly streamId: number; readonly fin: boolean; readonly data: Buffer };

const kind = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** Why a stream is refused or ended. */
export const rstStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  flowControlError: 7,
  streamAlreadyClosed: 9,
} as const;

const version = 3;
const headerBytes = 8;
const finFlag = 1;
const initialWindowSetting = 7;
const settingBytes = 8;
/** Clients send a handful of short headers; more than this is no client. */
const maxControlBytes = 16 * 1024;
const stream31 = 0x7fff_ffff;

const none = Buffer.alloc(0);

/** Cuts a stream of bytes into frames, however the bytes come. */
export class SpdyFrameReader {
  /** A frame's beginning, which is not enough yet. */
  #rest: Buffer = none;
  #data: { readonly streamId: number; readonly fin: boolean; left: number } | undefined;

  /** @throws SpdyError */
  *read(chunk: Buffer): Generator<SpdyFrame, void> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = none;
    for (;;) {
      if (this.#data) {
        const { streamId, fin, left } = this.#data;
        const data = bytes.subarray(0, left);
        if (data.length === 0 && left > 0) return;
        bytes = bytes.subarray(data.length);
        const last = data.length === left;
        this.#data = last ? undefined : { streamId, fin, left: left - data.length };
        yield { type: 'data', streamId, fin: fin && last, data };
        continue;
      }
      if (bytes.length < headerBytes) break;
      const first = bytes.readUInt32BE(0);
      const flags = bytes.readUInt8(4);
      const length = bytes.readUIntBE(5, 3);
      if (first <= stream31) {
        if (first === 0) throw new SpdyError('data for stream 0');
        this.#data = { streamId: first, fin: (flags & finFlag) !== 0, left: length };
        bytes = bytes.subarray(headerBytes);
        continue;
      }
      if (((first >>> 16) & 0x7fff) !== version) throw new SpdyError('a frame of another version than 3');
      if (length > maxControlBytes) throw new SpdyError(`a control frame of ${length} bytes`);
      if (bytes.length < headerBytes + length) break;
      const body = bytes.subarray(headerBytes, headerBytes + length);
      bytes = bytes.subarray(headerBytes + length);
      const frame = control(first & 0xffff, (flags & finFlag) !== 0, body);
      if (frame) yield frame;
    }
    this.#rest = bytes;
  }
}

/** Undefined for a frame of a kind that nobody has to know. */
function control(type: number, fin: boolean, body: Buffer): SpdyFrame | undefined {
  const need = (bytes: number): void => {
    if (body.length < bytes) throw new SpdyError(`a control frame of type ${type} with ${body.length} bytes`);
  };
  const id = (at: number): number => body.readUInt32BE(at) & stream31;
  switch (type) {
    case kind.synStream:
      need(10);
      return { type: 'synStream', streamId: id(0), fin, block: body.subarray(10) };
    case kind.headers:
      need(4);
      return { type: 'headers', streamId: id(0), fin, block: body.subarray(4) };
    case kind.rstStream:
      need(8);
      return { type: 'rstStream', streamId: id(0), status: body.readUInt32BE(4) };
    case kind.settings:
      need(4);
      return { type: 'settings', initialWindow: initialWindow(body) };
    case kind.ping:
      need(4);
      return { type: 'ping', id: body.readUInt32BE(0) };
    case kind.goAway:
      return { type: 'goAway' };
    case kind.windowUpdate:
      need(8);
      return { type: 'windowUpdate', streamId: id(0), delta: id(4) };
    default:
      return undefined;
  }
}

function initialWindow(body: Buffer): number | undefined {
  const count = body.readUInt32BE(0);
  if (body.length < 4 + count * settingBytes)
    throw new SpdyError(`${count} settings in ${body.length} bytes`);
  for (let at = 4; at < 4 + count * settingBytes; at += settingBytes) {
    if ((body.readUInt32BE(at) & 0xff_ffff) === initialWindowSetting) return body.readUInt32BE(at + 4);
  }
  return undefined;
}

function controlFrame(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(headerBytes);
  head.writeUInt16BE(0x8000 | version, 0);
  head.writeUInt16BE(type, 2);
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

function numbers(...values: readonly number[]): Buffer {
  const body = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) body.writeUInt32BE(value, i * 4);
  return body;
}

export function synReplyFrame(streamId: number, block: Buffer): Buffer {
  return controlFrame(kind.synReply, Buffer.concat([numbers(streamId), block]));
}

export function rstStreamFrame(streamId: number, status: number): Buffer {
  return controlFrame(kind.rstStream, numbers(streamId, status));
}

export function pingFrame(id: number): Buffer {
  return controlFrame(kind.ping, numbers(id));
}

/** @param status 0: all is well; 1: the peer broke the protocol */
export function goAwayFrame(lastStreamId: number, status: 0 | 1): Buffer {
  return controlFrame(kind.goAway, numbers(lastStreamId, status));
}

export function windowUpdateFrame(streamId: number, delta: number): Buffer {
  return controlFrame(kind.windowUpdate, numbers(streamId, delta));
}

/** @param data less than 16 MiB */
export function dataFrame(streamId: number, data: Buffer, fin: boolean): Buffer {
  const head = Buffer.alloc(headerBytes);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt8(fin ? finFlag : 0, 4);
  head.writeUIntBE(data.length, 5, 3);
  return Buffer.concat([head, data]);
}
