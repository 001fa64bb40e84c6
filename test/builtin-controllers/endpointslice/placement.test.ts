/** EP-5 as a pure function, by property. */
import { expect } from 'chai';
import fc from 'fast-check';
import { place } from '#src/builtin-controllers/endpointslice/placement.js';

interface Thing {
  readonly key: string;
  readonly version: number;
}
interface Slice {
  readonly id: number;
  readonly endpoints: readonly Thing[];
  readonly outdated: boolean;
}
const rules = (max: number) => ({
  keyOf: ({ key }: Thing) => key,
  equal: (a: Thing, b: Thing) => a.version === b.version,
  max,
});
const thing = (n: number, version = 0): Thing => ({ key: `e${n}`, version });
const things = (from: number, to: number): Thing[] =>
  Array.from({ length: to - from }, (_, i) => thing(from + i));
const wanted = (list: readonly Thing[]) => new Map(list.map((t) => [t.key, t]));

/** What is there once the placement is written. */
function after(
  present: readonly Slice[],
  placed: ReturnType<typeof place<Slice, Thing>>,
): (readonly Thing[])[] {
  const kept = present
    .filter((slice) => !placed.remove.includes(slice))
    .map((slice) => placed.update.get(slice) ?? slice.endpoints);
  return [...kept, ...placed.create];
}

const world = fc.record({
  max: fc.integer({ min: 1, max: 7 }),
  desired: fc.uniqueArray(fc.record({ n: fc.nat(40), version: fc.nat(1) }), { selector: ({ n }) => n }),
  slices: fc.array(
    fc.record({
      // Duplicates within and between slices, and slices that are too full, are there on purpose.
      endpoints: fc.array(fc.record({ n: fc.nat(40), version: fc.nat(1) }), { maxLength: 9 }),
      outdated: fc.boolean(),
    }),
    { maxLength: 8 },
  ),
});
const read = ({
  desired,
  slices,
}: {
  desired: { n: number; version: number }[];
  slices: { endpoints: { n: number; version: number }[]; outdated: boolean }[];
}) => ({
  want: wanted(desired.map(({ n, version }) => thing(n, version))),
  present: slices.map(
    ({ endpoints, outdated }, id): Slice => ({
      id,
      outdated,
      endpoints: endpoints.map(({ n, version }) => thing(n, version)),
    }),
  ),
});

describe('placement of endpoints in slices', () => {
  it('EP-5 puts every endpoint into exactly one slice, never more than the limit into any (property)', () => {
    fc.assert(
      fc.property(world, ({ max, ...rest }) => {
        const { want, present } = read(rest);
        const contents = after(present, place(want, present, rules(max)));
        const all = contents.flat();
        expect(all.map(({ key }) => key).sort()).to.deep.equal([...want.keys()].sort());
        for (const { key, version } of all) expect(version).to.equal(want.get(key)?.version);
        for (const content of contents) expect(content.length).to.be.within(1, max);
      }),
    );
  });

  it('EP-5 is stable: what it made, it leaves alone (property)', () => {
    fc.assert(
      fc.property(world, ({ max, ...rest }) => {
        const { want, present } = read(rest);
        const made = after(present, place(want, present, rules(max))).map((endpoints, id) => ({
          id,
          endpoints,
          outdated: false,
        }));
        const again = place(want, made, rules(max));
        expect([again.update.size, again.create.length, again.remove.length]).to.deep.equal([0, 0, 0]);
      }),
    );
  });

  it('EP-5 writes no slice without need: only those that lose, change or take in an endpoint (property)', () => {
    fc.assert(
      fc.property(world, ({ max, ...rest }) => {
        const { want, present } = read(rest);
        const placed = place(want, present, rules(max));
        const held = new Set(present.flatMap(({ endpoints }) => endpoints.map(({ key }) => key)));
        const added = [...want.keys()].filter((key) => !held.has(key)).length;
        const mustWrite = (slice: Slice): boolean =>
          slice.outdated ||
          slice.endpoints.length > max ||
          new Set(slice.endpoints.map(({ key }) => key)).size < slice.endpoints.length ||
          slice.endpoints.some((e) => want.get(e.key)?.version !== e.version) ||
          present.some(
            (o) => o.id < slice.id && o.endpoints.some((e) => slice.endpoints.some((f) => f.key === e.key)),
          );
        const extra = [...placed.update.keys()].filter((slice) => !mustWrite(slice));
        // At most one untouched slice takes in the rest.
        expect(extra.length).to.be.at.most(1);
        const dropped = present.some(({ endpoints }) => endpoints.length > max);
        if (added === 0 && !dropped) expect(placed.create).to.deep.equal([]);
      }),
    );
  });

  it('EP-5 fills slices that change anyway first, the fullest first', () => {
    const present: Slice[] = [
      { id: 0, endpoints: [...things(0, 3), thing(99)], outdated: false },
      { id: 1, endpoints: [...things(10, 16), thing(98)], outdated: false },
      { id: 2, endpoints: things(20, 29), outdated: false },
    ];
    const want = wanted([...things(0, 3), ...things(10, 16), ...things(20, 29), ...things(30, 35)]);
    const placed = place(want, present, rules(10));
    expect([...placed.update].map(([{ id }, content]) => [id, content.length])).to.deep.equal([
      [0, 4],
      [1, 10],
    ]);
    expect(placed.create).to.deep.equal([]);
  });

  it('EP-5 then puts the rest into the one untouched slice that becomes fullest', () => {
    const present: Slice[] = [
      { id: 0, endpoints: things(0, 3), outdated: false },
      { id: 1, endpoints: things(10, 17), outdated: false },
      { id: 2, endpoints: things(20, 29), outdated: false },
    ];
    const want = wanted([...present.flatMap((s) => s.endpoints), ...things(30, 33)]);
    const placed = place(want, present, rules(10));
    expect([...placed.update].map(([{ id }, content]) => [id, content.length])).to.deep.equal([[1, 10]]);
    expect(placed.create).to.deep.equal([]);
  });

  it('EP-5 makes new slices when no untouched one has room for all', () => {
    const present: Slice[] = [{ id: 0, endpoints: things(0, 8), outdated: false }];
    const placed = place(wanted([...things(0, 8), ...things(30, 55)]), present, rules(10));
    expect(placed.update.size).to.equal(0);
    expect(placed.create.map((content) => content.length)).to.deep.equal([10, 10, 5]);
  });

  it('EP-5 removes a slice that nothing is left in', () => {
    const present: Slice[] = [{ id: 0, endpoints: things(0, 2), outdated: false }];
    const placed = place(new Map(), present, rules(10));
    expect(placed.remove).to.deep.equal(present);
  });
});
