/** Requests nobody would send, many of them: none is answered by a crash, a trace or a growing heap. */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../../support/processes.js';
import { hostileNames } from './wire.js';

/** CI sends a hundred thousand. */
const count = Number(process.env.GYRE_FUZZ ?? 9_000);
/** The same seed gives the same requests. */
const seed = Number(process.env.GYRE_FUZZ_SEED ?? 1);

interface Found {
  readonly problems: readonly string[];
  readonly codes: Readonly<Record<string, number>>;
  /** The connections: how many of each kind, and their answers by code. */
  readonly wire: {
    readonly kinds: Readonly<Record<string, number>>;
    readonly codes: Readonly<Record<string, number>>;
  };
  /** Bytes after each of three equal rounds. */
  readonly heaps: readonly [number, number, number];
}

function rounds(): Promise<Found> {
  const program = join(root, 'build/test/apiserver/fuzz/round.js');
  const args = ['--expose-gc', program, String(seed), String(count)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as Found);
      else reject(new Error(`the server ended with ${code}`));
    });
  });
}

describe('the API server under fuzzing', function () {
  this.timeout(300_000);

  it('answers every request with what was asked for or a Status, and keeps nothing of it', async () => {
    const { problems, codes, wire, heaps } = await rounds();
    expect(problems, `seed ${seed}`).to.deep.equal([]);
    const sum = (counts: Readonly<Record<string, number>>): number =>
      Object.values(counts).reduce((all, n) => all + n, 0);
    expect(sum(codes) + sum(wire.kinds)).to.equal(3 * Math.ceil(count / 3));
    expect(wire.kinds).to.have.all.keys(hostileNames);
    for (const code of [200, 400, 404, 422])
      expect(wire.codes[code], `answers with ${code} over the wire`).to.be.greaterThan(0);
    // Both kinds were there: what is right, and what is refused.
    for (const code of [200, 201, 400, 404, 409, 422])
      expect(codes[code], `answers with ${code}`).to.be.greaterThan(0);
    const [first, , last] = heaps;
    const told = heaps.map((heap) => Math.round(heap / 1e5) / 10).join(', ');
    expect(last / first, `heap after each round: ${told} MB`).to.be.lessThan(1.1);
  });
});
