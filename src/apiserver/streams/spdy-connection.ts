/**
 * The server's side of a SPDY/3.1 connection, over a socket or a WebSocket: streams that the client opens, each a
 * Duplex of its own with the headers it was opened with.
 *
 * Guarantees: what is not read is not buffered beyond 256 KiB per stream, the client is then no longer read from; what
 * the client does not read, is held back. A client that breaks the protocol loses its connection and nobody else
 * theirs.
 *
 * Flow control: the clients of Kubernetes know nothing of SPDY's windows, so windows bind us only once a client has
 * spoken of them; they are always opened again for what has been read.
 */
import { Duplex } from 'node:stream';
import {
  dataFrame,
  goAwayFrame,
  pingFrame,
  rstStatus,
  rstStreamFrame,
  SpdyError,
  type SpdyFrame,
  SpdyFrameReader,
  synReplyFrame,
  windowUpdateFrame,
} from './spdy-frames.js';
import { HeaderDecoder, HeaderEncoder } from './spdy-headers.js';

const initialWindow = 64 * 1024;
const maxWindow = 0x7fff_ffff;
const pieceBytes = 32 * 1024;
const bufferBytes = 256 * 1024;
/** Windows are opened again in steps of at least this much: a quarter of what the client starts with. */
const updateBytes = 16 * 1024;
/** At once; a port-forward opens two per connection. */
const maxStreams = 2000;

/** What a stream asks of its connection. */
interface StreamHost {
  write(frame: Buffer): Promise<void>;
  /** Resolves with how much of `wanted` may be sent now: at least one byte. */
  room(stream: SpdyStream, wanted: number): Promise<number>;
  consumed(stream: SpdyStream, bytes: number): void;
  forget(stream: SpdyStream): void;
}

/** One stream. `end()` ends our direction; `destroy()` resets both. */
export class SpdyStream extends Duplex {
  /** How much the client still takes, once it speaks of windows. */
  window: number;
  readonly #host: StreamHost;
  #unread = 0;
  #readMore: () => void = () => {};
  #ended = false;
  #finished = false;

  constructor(
    readonly id: number,
    /** Names in lower case. */
    readonly headers: ReadonlyMap<string, string>,
    host: StreamHost,
    window: number,
  ) {
    super({ allowHalfOpen: true, readableHighWaterMark: bufferBytes });
    this.#host = host;
    this.window = window;
    // Whoever uses it hears of errors; a stream that nobody uses any more must not end the process.
    this.on('error', () => {});
  }

  /** Data of the client. Resolves when there is room for more. */
  async receive(data: Buffer, fin: boolean): Promise<void> {
    if (this.#ended || this.destroyed) return;
    this.#unread += data.length;
    const more = data.length === 0 || this.push(data);
    if (fin) {
      this.#ended = true;
      this.push(null);
    } else if (!more) {
      await new Promise<void>((resolve) => {
        this.#readMore = resolve;
      });
    }
  }

  /** The client has ended both directions. */
  reset(): void {
    this.#ended = true;
    this.#finished = true;
    this.destroy();
  }

  override _read(): void {
    if (this.#unread >= updateBytes) {
      this.#host.consumed(this, this.#unread);
      this.#unread = 0;
    }
    this.#readMore();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    this.#send(chunk).then(
      () => written(),
      (error: Error) => written(error),
    );
  }

  override _final(written: (error?: Error | null) => void): void {
    this.#finished = true;
    this.#host.write(dataFrame(this.id, Buffer.alloc(0), true)).then(
      () => written(),
      (error: Error) => written(error),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#readMore();
    if (!this.#ended || !this.#finished)
      this.#host.write(rstStreamFrame(this.id, rstStatus.cancel)).catch(() => {});
    this.#host.forget(this);
    done(error);
  }

  async #send(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const size = await this.#host.room(this, Math.min(pieceBytes, chunk.length - at));
      await this.#host.write(dataFrame(this.id, chunk.subarray(at, at + size), false));
      at += size;
    }
  }
}

export class SpdyConnection implements StreamHost {
  readonly #transport: Duplex;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #decoder = new HeaderDecoder();
  readonly #encoder = new HeaderEncoder();
  #lastStreamId = 0;
  #windowsHonoured = false;
  #initialWindow = initialWindow;
  #window = initialWindow;
  #windowWaiters: (() => void)[] = [];
  #drained: Promise<void> | undefined;
  #closing = false;

  /** @param onStream told of each stream that the client opens; it has been accepted then */
  constructor(transport: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#transport = transport;
    this.#onStream = onStream;
    transport.on('error', () => {});
  }

  /** Serves the client until it is gone or `close` was called. @throws SpdyError when it broke the protocol */
  async run(): Promise<void> {
    const reader = new SpdyFrameReader();
    try {
      const chunks = this.#transport.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      for await (const chunk of chunks) {
        for (const frame of reader.read(chunk)) await this.#onFrame(frame);
      }
    } catch (error) {
      if (error instanceof SpdyError) {
        this.#transport.write(goAwayFrame(this.#lastStreamId, 1));
        throw error;
      }
      // Anything else is a client that went away without a word.
    } finally {
      this.#closing = true;
      for (const stream of this.#streams.values()) stream.destroy();
      this.#wakeWriters();
      this.#decoder.close();
      this.#transport.end(() => this.#transport.destroy());
    }
  }

  /** Says good-bye and closes the connection, once what was written to it has gone out. */
  async close(): Promise<void> {
    if (this.#closing) return;
    await this.write(goAwayFrame(this.#lastStreamId, 0)).catch(() => {});
    this.#closing = true;
    await new Promise<void>((resolve) => {
      if (this.#transport.destroyed) resolve();
      else {
        this.#transport.once('close', resolve);
        this.#transport.end();
      }
    });
  }

  async write(frame: Buffer): Promise<void> {
    const transport = this.#transport;
    if (this.#closing || transport.destroyed || transport.writableEnded)
      throw new Error('the connection is closed');
    if (transport.write(frame)) return;
    this.#drained ??= new Promise<void>((resolve) => {
      const finish = (): void => {
        transport.off('drain', finish);
        transport.off('close', finish);
        this.#drained = undefined;
        resolve();
      };
      transport.on('drain', finish);
      transport.on('close', finish);
    });
    await this.#drained;
  }

  async room(stream: SpdyStream, wanted: number): Promise<number> {
    for (;;) {
      if (this.#closing || stream.destroyed) throw new Error('the stream is closed');
      const size = this.#windowsHonoured ? Math.min(wanted, stream.window, this.#window) : wanted;
      if (size > 0) {
        stream.window -= size;
        this.#window -= size;
        return size;
      }
      await new Promise<void>((resolve) => this.#windowWaiters.push(resolve));
    }
  }

  consumed(stream: SpdyStream, bytes: number): void {
    const gone = (): void => {};
    this.write(windowUpdateFrame(stream.id, bytes)).catch(gone);
    this.write(windowUpdateFrame(0, bytes)).catch(gone);
  }

  forget(stream: SpdyStream): void {
    this.#streams.delete(stream.id);
    this.#wakeWriters();
  }

  #wakeWriters(): void {
    for (const wake of this.#windowWaiters.splice(0)) wake();
  }

  async #onFrame(frame: SpdyFrame): Promise<void> {
    switch (frame.type) {
      case 'synStream':
        return this.#open(frame);
      case 'data':
        return this.#data(frame);
      case 'headers':
        // They mean nothing here; the compression has to know them.
        await this.#decoder.decode(frame.block);
        return this.#data({ streamId: frame.streamId, fin: frame.fin, data: Buffer.alloc(0) });
      case 'rstStream':
        this.#streams.get(frame.streamId)?.reset();
        return;
      case 'ping':
        // Odd ones are the client's; even ones would be answers to ours.
        if (frame.id % 2 === 1) await this.write(pingFrame(frame.id));
        return;
      case 'settings':
        this.#onInitialWindow(frame.initialWindow);
        return;
      case 'windowUpdate':
        return this.#onWindowUpdate(frame.streamId, frame.delta);
      case 'goAway':
        return;
    }
  }

  async #open({ streamId, fin, block }: Extract<SpdyFrame, { type: 'synStream' }>): Promise<void> {
    const headers = await this.#decoder.decode(block);
    if (streamId % 2 === 0 || streamId <= this.#lastStreamId)
      throw new SpdyError(`stream ${streamId} after ${this.#lastStreamId}`);
    this.#lastStreamId = streamId;
    if (this.#streams.size >= maxStreams)
      return this.write(rstStreamFrame(streamId, rstStatus.refusedStream));
    const stream = new SpdyStream(streamId, headers, this, this.#initialWindow);
    this.#streams.set(streamId, stream);
    await this.write(synReplyFrame(streamId, this.#encoder.encode([])));
    this.#onStream(stream);
    if (fin) await stream.receive(Buffer.alloc(0), true);
  }

  async #data({ streamId, fin, data }: Omit<Extract<SpdyFrame, { type: 'data' }>, 'type'>): Promise<void> {
    const stream = this.#streams.get(streamId);
    if (stream) return stream.receive(data, fin);
    if (data.length > 0) {
      // Still counted for the connection, though nobody reads it.
      await this.write(windowUpdateFrame(0, data.length));
      if (streamId > this.#lastStreamId) await this.write(rstStreamFrame(streamId, rstStatus.invalidStream));
    }
  }

  #onInitialWindow(size: number | undefined): void {
    if (size === undefined) return;
    if (size > maxWindow) throw new SpdyError(`a window of ${size} bytes`);
    this.#windowsHonoured = true;
    for (const stream of this.#streams.values()) stream.window += size - this.#initialWindow;
    this.#initialWindow = size;
    this.#wakeWriters();
  }

  async #onWindowUpdate(streamId: number, delta: number): Promise<void> {
    this.#windowsHonoured = true;
    const stream = this.#streams.get(streamId);
    if (streamId === 0) {
      this.#window += delta;
      if (this.#window > maxWindow) throw new SpdyError('a window beyond 2^31 - 1 bytes');
    } else if (stream) {
      stream.window += delta;
      if (stream.window > maxWindow) {
        await this.write(rstStreamFrame(streamId, rstStatus.flowControlError));
        stream.destroy();
      }
    }
    this.#wakeWriters();
  }
}
