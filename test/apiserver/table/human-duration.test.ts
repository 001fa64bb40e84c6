import { expect } from 'chai';
import { humanDuration } from '#src/apiserver/table/index.js';
import { since } from '#src/apiserver/table/human-duration.js';

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;
const y = 365 * d;

describe('humanDuration', () => {
  for (const [ms, text] of [
    [-3 * s, '<invalid>'],
    [-2 * s, '<invalid>'],
    [-1 * s, '0s'],
    [-1, '0s'],
    [0, '0s'],
    [45 * s + 999, '45s'],
    [119 * s, '119s'],
    [2 * m, '2m'],
    [3 * m + 20 * s, '3m20s'],
    [9 * m + 59 * s, '9m59s'],
    [10 * m + 30 * s, '10m'],
    [179 * m, '179m'],
    [3 * h, '3h'],
    [7 * h + 59 * m, '7h59m'],
    [8 * h + 30 * m, '8h'],
    [47 * h, '47h'],
    [48 * h, '2d'],
    [5 * d + 3 * h, '5d3h'],
    [8 * d - h, '7d23h'],
    [8 * d + 3 * h, '8d'],
    [2 * y - d, '729d'],
    [2 * y, '2y'],
    [2 * y + 14 * d, '2y14d'],
    [8 * y + 14 * d, '8y'],
  ] as const) {
    it(`writes ${ms} ms as ${text}`, () => expect(humanDuration(ms)).to.equal(text));
  }

  it('says when it does not know since when', () => {
    expect(since(undefined, 0)).to.equal('<unknown>');
    expect(since('yesterday', 0)).to.equal('<invalid>');
    expect(since('1970-01-01T00:00:00Z', 5 * s)).to.equal('5s');
  });
});
