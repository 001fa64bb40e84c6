/**
 * What no HTTP client would write: bodies that come slowly, stop or lie about their length, floods of headers, requests in a
 * row, protocols of others. The same seed writes the same bytes.
 */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { ApiRequest } from 'gyre/api';
import type { Dice } from './dice.js';
import { protobufRequest, request } from './generate.js';
import { mutated } from './mutate.js';

/** Who is asked for. */
export const token = 'fuzz';

/** One connection. */
export interface Hostile {
  readonly name: HostileName;
  /** Without TLS. */
  readonly plain?: boolean;
  /** What is sent; a number is a pause of so many milliseconds. */
  readonly steps: readonly (Uint8Array | number)[];
  /**
   * How it goes on: the client waits for the `answers` it is owed, or for the end of the connection; it sends no more and waits
   * for the end; it is gone.
   */
  readonly ending: 'waits' | 'half-closes' | 'leaves';
  readonly answers: number;
}

export type HostileName = keyof typeof makers;

export function hostile(dice: Dice): Hostile {
  const name = dice.pick(Object.keys(makers) as HostileName[]);
  return { name, ...makers[name](dice) };
}

type Made = Omit<Hostile, 'name'>;
type Headers = readonly (readonly [name: string, value: string])[];

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

function head(method: string, target: string, headers: Headers): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return latin1(`${[`${method} ${target} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`);
}

interface Written {
  readonly method: string;
  readonly target: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

const lists = ['/readyz', '/version', '/api/v1/nodes', '/api/v1/configmaps', '/apis/apps/v1/deployments'];
const rightOrNot = (dice: Dice): ApiRequest =>
  dice.chance(0.2) ? { method: 'GET', path: dice.pick(lists) } : request(dice);

/** A request as it would be on the wire, without what tells the length of its body. */
function written(dice: Dice, asked: ApiRequest = rightOrNot(dice)): Written {
  const query = new URLSearchParams(asked.query as Record<string, string>).toString();
  const { body } = asked;
  const bytes =
    body === undefined
      ? Buffer.alloc(0)
      : body instanceof Uint8Array
        ? Buffer.from(body)
        : Buffer.from(JSON.stringify(body));
  return {
    method: asked.method,
    target: `${asked.path}${query === '' ? '' : `?${query}`}`,
    headers: [
      ['Host', 'fuzz'],
      ...(dice.chance(0.9) ? [['Authorization', `Bearer ${token}`] as const] : []),
      ...Object.entries(asked.headers ?? {}),
    ],
    body: bytes,
  };
}

const withLength = ({ method, target, headers, body }: Written): Buffer =>
  Buffer.concat([head(method, target, [...headers, ['Content-Length', String(body.length)]]), body]);

/** In a few pieces, with pauses between. */
function slowly(dice: Dice, bytes: Buffer): (Buffer | number)[] {
  const cuts = Array.from({ length: 2 + dice.below(5) }, () => dice.below(bytes.length)).sort(
    (a, b) => a - b,
  );
  return [...cuts, bytes.length].flatMap((end, i) => [bytes.subarray(cuts[i - 1] ?? 0, end), dice.below(4)]);
}

const one = (...steps: readonly (Uint8Array | number)[]): Made => ({ steps, ending: 'waits', answers: 1 });
const left = (...steps: readonly (Uint8Array | number)[]): Made => ({
  steps,
  ending: 'half-closes',
  answers: 0,
});

/** Thirty megabytes of nothing, in a few kilobytes; made when first thrown. */
let bombs: readonly (readonly [encoding: string, bytes: Buffer])[] | undefined;
function bomb(dice: Dice): readonly [encoding: string, bytes: Buffer] {
  bombs ??= [
    ['gzip', gzipSync(Buffer.alloc(30_000_000))],
    ['deflate', deflateSync(Buffer.alloc(30_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(3_000_000))],
  ];
  return dice.pick(bombs);
}

const makers = {
  'a slow body': (dice: Dice) => one(...slowly(dice, withLength(written(dice)))),

  'a body cut off': (dice: Dice): Made => {
    const { method, target, headers, body } = written(dice);
    const more = [...headers, ['Content-Length', String(body.length + 1 + dice.below(1_000))] as const];
    const steps = slowly(dice, Buffer.concat([head(method, target, more), body]));
    return dice.chance(0.5) ? left(...steps) : { steps, ending: 'leaves', answers: 0 };
  },

  'a flood of headers': (dice: Dice) => {
    const { method, target, headers, body } = written(dice);
    const flood = dice.pick<() => Headers>([
      () => Array.from({ length: 3_000 }, (_, i) => [`x-${i}`, 'x'.repeat(dice.below(30))]),
      () => Array.from({ length: 1_500 }, () => ['x-same', 'x']),
      () => [['x-long', 'x'.repeat(200_000)]],
      () => [['x'.repeat(70_000), 'x']],
      () => [['accept', 'application/json;'.repeat(3_000)]],
      () => [['cookie', '\u0000\u0001\u007f\u00ff']],
      () => [['x-folded', 'a\r\n b\r\n\tc']],
      () => [
        ['no colon\r\nx', ''],
        ['sp ace', 'x'],
      ],
      () => [['transfer-encoding', 'x'.repeat(1_000)]],
      () => Array.from({ length: 200 }, () => ['authorization', `Bearer ${'x'.repeat(200)}`]),
      () => Array.from({ length: 100 }, (_, i) => ['impersonate-extra-x', String(i)]),
    ])();
    return one(head(method, target, [...headers, ['Content-Length', String(body.length)], ...flood]), body);
  },

  'a length that lies': (dice: Dice) => {
    const { method, target, headers, body } = written(dice);
    const lengths = dice.pick<Headers>([
      [['Content-Length', '-1']],
      [['Content-Length', '1e3']],
      [['Content-Length', '99999999999999999999']],
      [['Content-Length', String(2 ** 40)]],
      [['Content-Length', '5, 6']],
      [['Content-Length', '0x10']],
      [['Content-Length', '']],
      [
        ['Content-Length', '5'],
        ['Content-Length', '6'],
      ],
      [
        ['Content-Length', '5'],
        ['Transfer-Encoding', 'chunked'],
      ],
      [['Content-Length', String(Math.max(0, body.length - 1 - dice.below(20)))]],
      [],
    ]);
    return left(head(method, target, [...headers, ...lengths]), body);
  },

  'chunks that are none': (dice: Dice) => {
    const { method, target, headers, body } = written(dice);
    const size = body.length.toString(16);
    const chunks = dice.pick<() => readonly (string | Buffer)[]>([
      () => [`${size}\r\n`, body, '\r\n0\r\n\r\n'],
      () => ['zz\r\n', body, '\r\n0\r\n\r\n'],
      () => ['fffffffffffffffff\r\n', body],
      () => ['-1\r\n', body],
      () => [`${size};${'x'.repeat(100_000)}\r\n`, body, '\r\n0\r\n\r\n'],
      () => [`${size}\r\n`, body, '0\r\n\r\n'],
      () => [`${size}\r\n`, body, `\r\n0\r\n${'x: y\r\n'.repeat(5_000)}\r\n`],
      () => [`${size}\n`, body, '\n0\n\n'],
      () => [...Array.from({ length: 2_000 }, () => '1\r\n{\r\n'), '0\r\n\r\n'],
      () => ['0\r\n\r\n', body],
      () => [mutated(dice, Buffer.concat([latin1(`${size}\r\n`), body, latin1('\r\n0\r\n\r\n')])) as Buffer],
    ])();
    return left(
      head(method, target, [...headers, ['Transfer-Encoding', 'chunked']]),
      ...chunks.map((chunk) => (typeof chunk === 'string' ? latin1(chunk) : chunk)),
    );
  },

  'requests in a row': (dice: Dice): Made => {
    const row = Array.from({ length: 2 + dice.below(5) }, () => withLength(written(dice)));
    return { steps: [Buffer.concat(row)], ending: 'waits', answers: row.length };
  },

  'a request by someone who says no more': (dice: Dice) => left(withLength(written(dice))),

  'someone who is gone at once': (dice: Dice): Made => ({
    steps: [withLength(written(dice)), ...(dice.chance(0.5) ? [dice.below(5)] : [])],
    ending: 'leaves',
    answers: 0,
  }),

  'no TLS': (dice: Dice): Made => ({
    ...left(
      dice.pick([
        () => withLength(written(dice)),
        () => latin1('SSH-2.0-OpenSSH_9.6\r\n'),
        () => randomFrom(dice, 1 + dice.below(2_000)),
        // A handshake record that promises more than it has, and one of a version that never was.
        () => Buffer.concat([Buffer.from([22, 3, 1, 255, 255]), randomFrom(dice, 300)]),
        () => Buffer.from([22, 9, 9, 0, 4, 1, 0, 0, 0]),
        () => Buffer.from([21, 3, 3, 0, 2, 2, 40]),
        () => Buffer.alloc(0),
      ])(),
    ),
    plain: true,
  }),

  'another protocol': (dice: Dice) =>
    left(
      dice.pick([
        () =>
          latin1('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000'),
        () => latin1('GET /\r\n\r\n'),
        () => latin1('get / HTTP/1.1\r\nhost: x\r\n\r\n'),
        () => latin1('GET / HTTP/9.9\r\nhost: x\r\n\r\n'),
        () => latin1('\r\n'.repeat(2_000)),
        () => latin1('CONNECT 127.0.0.1:1 HTTP/1.1\r\nhost: x\r\n\r\n'),
        () => latin1('OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n'),
        () => latin1('GET http://elsewhere/../%00 HTTP/1.1\r\nhost: x\r\n\r\n'),
        () => latin1(`GET /${'x'.repeat(70_000)} HTTP/1.1\r\nhost: x\r\n\r\n`),
        () => randomFrom(dice, 1 + dice.below(2_000)),
        () => mutated(dice, withLength(written(dice))) as Buffer,
      ])(),
    ),

  'a protobuf body': (dice: Dice) => one(withLength(written(dice, protobufRequest(dice)))),

  'a compressed bomb': (dice: Dice) => {
    const asked = written(dice, { ...request(dice), method: dice.pick(['POST', 'PUT', 'PATCH']) });
    const [encoding, body] = bomb(dice);
    const headers = [...asked.headers, ['Content-Encoding', encoding] as const];
    return one(withLength({ ...asked, headers, body }));
  },

  'a body beyond all bounds': (dice: Dice): Made => {
    const asked = written(dice, { ...request(dice), method: 'POST' });
    return { ...left(withLength({ ...asked, body: Buffer.alloc(3_500_000, 0x20) })), answers: 0 };
  },

  'an expectation': (dice: Dice) => {
    const asked = written(dice);
    const headers = [...asked.headers, ['Expect', dice.pick(['100-continue', 'the unexpected'])] as const];
    return one(...slowly(dice, withLength({ ...asked, headers })));
  },

  'an upgrade': (dice: Dice) => {
    // A right one to a watch is granted, and goes on in frames.
    const right = dice.chance(0.5);
    const target = dice.pick([
      '/api/v1/configmaps?watch=true',
      '/api/v1/namespaces/default/secrets?watch=true&timeoutSeconds=1',
      ...(right
        ? []
        : [
            '/api/v1/namespaces/default/pods/fuzz-1/exec?command=x&stdout=true',
            '/api/v1/namespaces/default/pods/fuzz-1/portforward?ports=80',
            '/api/v1/namespaces/default/pods/fuzz-1/attach',
            '/api/v1/namespaces/default/pods/fuzz-1/proxy/x',
            '/api/v1/configmaps',
            '/nowhere',
          ]),
    ]);
    const or = (value: string, ...others: readonly string[]): string =>
      right ? value : dice.pick([value, ...others]);
    const headers: Headers = [
      ['Host', 'fuzz'],
      ['Authorization', `Bearer ${token}`],
      ['Connection', or('Upgrade', 'keep-alive, upgrade', 'close')],
      ['Upgrade', or('websocket', 'SPDY/3.1', 'h2c', 'x'.repeat(500))],
      ['Sec-WebSocket-Version', or('13', '8', 'x')],
      ['Sec-WebSocket-Key', or('AAECAwQFBgcICQoLDA0ODw==', 'x')],
      ...(dice.chance(0.5)
        ? [['Sec-WebSocket-Protocol', or('base64.binary.k8s.io', 'v5.channel.k8s.io', ',,,')] as const]
        : []),
      ...(dice.chance(0.3)
        ? [['X-Stream-Protocol-Version', dice.pick(['v4.channel.k8s.io', 'x'])] as const]
        : []),
    ];
    const frames = Array.from({ length: dice.below(5) }, () => frame(dice));
    return left(head(right ? 'GET' : dice.pick(['GET', 'POST']), target, headers), dice.below(20), ...frames);
  },

  'a watch that is left': (dice: Dice): Made => ({
    steps: [
      head('GET', `/api/v1/${dice.pick(['configmaps', 'secrets', 'pods'])}?watch=true`, [
        ['Host', 'fuzz'],
        ['Authorization', `Bearer ${token}`],
      ]),
      dice.below(8),
    ],
    ending: dice.chance(0.5) ? 'leaves' : 'half-closes',
    answers: 0,
  }),
} satisfies Record<string, (dice: Dice) => Made>;

/** Every kind of them. */
export const hostileNames = Object.keys(makers) as readonly HostileName[];

function randomFrom(dice: Dice, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => dice.below(256)));
}

/** Of a WebSocket: right, or in one of the ways there are to be wrong. */
function frame(dice: Dice): Buffer {
  const payload = randomFrom(dice, dice.below(100));
  const [first, masked] = [
    dice.pick([0x81, 0x82, 0x88, 0x89, 0x8a, 0x01, 0x00, 0xf1, 0x83]),
    dice.chance(0.8),
  ];
  const mask = masked ? 0x80 : 0;
  return dice.pick([
    () =>
      Buffer.concat([
        Buffer.from([first, mask | payload.length]),
        masked ? Buffer.alloc(4) : payload,
        payload,
      ]),
    () => Buffer.from([first, mask | 126, 0xff, 0xff]),
    () => Buffer.from([first, mask | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    () => payload,
  ])();
}
