/**
 * A connection of messages as the server's side of a stream sees it: a WebSocket, or a pair of ends in one process.
 */
import { type MessageConnection, TransportError } from '../api/index.js';

export interface ExecSocket {
  /** The subprotocol that was agreed on. */
  readonly protocol: string;
  /** Resolves when more should be sent. Dropped once the other side is gone. */
  send(message: Uint8Array | string): void | Promise<void>;
  /** The next message comes when the listener is done with this one. */
  onMessage(listener: (message: Uint8Array) => void | Promise<void>): void;
  /** Called once, when the other side is gone. */
  onGone(listener: () => void): void;
  /** Resolves when it is closed. 1000: all was said; 1001: the server stops. */
  close(code: 1000 | 1001): Promise<void>;
}

/** Both ends of a connection that never leaves the process; messages are handed over as they are. */
export function connectedPair(
  protocol: string,
  signal: AbortSignal | undefined,
): { readonly client: MessageConnection; readonly server: ExecSocket } {
  const toClient: Uint8Array[] = [];
  const messageListeners: ((message: Uint8Array) => void | Promise<void>)[] = [];
  const goneListeners: (() => void)[] = [];
  let end: { readonly error?: unknown } | undefined;
  let wake: () => void = () => {};
  const finish = (how: { readonly error?: unknown }): void => {
    if (end) return;
    end = how;
    signal?.removeEventListener('abort', onAbort);
    for (const listener of goneListeners) listener();
    wake();
  };
  const onAbort = (): void => finish({ error: signal?.reason });
  signal?.addEventListener('abort', onAbort, { once: true });

  async function* messages(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const message = toClient.shift();
        if (message) yield message;
        else if (end) {
          if ('error' in end) throw end.error;
          return;
        } else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      finish({});
    }
  }
  const encoder = new TextEncoder();
  return {
    client: {
      protocol,
      messages: messages(),
      send: async (message) => {
        if (end) throw new TransportError('the connection is closed');
        for (const listener of messageListeners) await listener(message);
      },
      close: () => finish({}),
    },
    server: {
      protocol,
      send: (message) => {
        if (end) return;
        toClient.push(typeof message === 'string' ? encoder.encode(message) : message);
        wake();
      },
      onMessage: (listener) => void messageListeners.push(listener),
      onGone: (listener) => (end ? listener() : void goneListeners.push(listener)),
      close: async (code) =>
        finish(code === 1000 ? {} : { error: new TransportError('the API server is stopping') }),
    },
  };
}
