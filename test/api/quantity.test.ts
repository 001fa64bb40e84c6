import { expect } from 'chai';
import fc from 'fast-check';
import {
  addQuantity,
  canonicalQuantity,
  compareQuantity,
  isQuantity,
  parseQuantity,
  quantityMillis,
  quantityUnits,
} from '#src/api/index.js';

const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'E-2');
const quantity = fc
  .tuple(fc.constantFrom('', '-', '+'), fc.nat(1_000_000), fc.option(fc.nat(999)), suffix)
  .map(([sign, whole, fraction, end]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${end}`);

describe('quantities', () => {
  for (const text of ['0', '100m', '1.5Gi', '.5', '1.', '2e3', '2E-3', '-1k', '+1Ki', '1E', '1e100']) {
    it(`accepts ${text}`, () => expect(isQuantity(text)).to.equal(true));
  }
  for (const text of [
    '',
    ' 1',
    '1 ',
    '1K',
    '1ki',
    '1mi',
    '1.2.3',
    'm',
    '1e',
    '0x1',
    '1e1.5',
    '9'.repeat(1000),
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => expect(isQuantity(text)).to.equal(false));
  }

  const equal: [string, string][] = [
    ['1', '1000m'],
    ['1Ki', '1024'],
    ['1.5Gi', '1536Mi'],
    ['1e3', '1k'],
    ['0.1n', '1n'],
    ['-0.1n', '-1n'],
    ['1e100', '9223372036854775807'],
  ];
  for (const [a, b] of equal) it(`${a} is ${b}`, () => expect(compareQuantity(a, b)).to.equal(0));

  it('compares across suffixes', () => {
    expect(compareQuantity('1Mi', '1M')).to.equal(1);
    expect(compareQuantity('999m', '1')).to.equal(-1);
  });

  const canonical: [string, string][] = [
    ['0.5', '500m'],
    ['1000m', '1'],
    ['2048Ki', '2Mi'],
    ['1024', '1024'],
    ['1000', '1k'],
    ['1.5Gi', '1536Mi'],
    ['0.5Ki', '512'],
    ['1e3', '1e3'],
    ['1000e3', '1e6'],
    ['-1500m', '-1500m'],
    ['00', '0'],
  ];
  for (const [given, wanted] of canonical) {
    it(`writes ${given} as ${wanted}`, () => expect(canonicalQuantity(given)).to.equal(wanted));
  }

  it('the canonical text is a quantity of the same value, and soon its own canonical text (property)', () => {
    fc.assert(
      fc.property(quantity, (text) => {
        const once = canonicalQuantity(text);
        // Binary suffixes stand for whole units from 1Ki on.
        if (!text.endsWith('i')) expect(compareQuantity(once, text)).to.equal(0);
        // Whole units that no binary suffix fits are written without one, which reads as decimal: 19514000, 19514k.
        const twice = canonicalQuantity(once);
        expect(compareQuantity(twice, once)).to.equal(0);
        expect(canonicalQuantity(twice)).to.equal(twice);
      }),
    );
  });

  it('adds exactly (property)', () => {
    const exact = quantity.filter((text) => !text.endsWith('i'));
    fc.assert(
      fc.property(exact, exact, (a, b) => {
        expect(parseQuantity(addQuantity(a, b))).to.equal(parseQuantity(a) + parseQuantity(b));
      }),
    );
  });

  it('rounds up to millis and units', () => {
    expect(quantityMillis('1.0001')).to.equal(1001);
    expect(quantityUnits('1500m')).to.equal(2);
    expect(quantityUnits('64Mi')).to.equal(64 * 1024 * 1024);
  });
});
