import { expect } from 'chai';
import fc from 'fast-check';
import {
  type ApiError,
  applyServerSide,
  deepFreeze,
  isApiError,
  type Schema,
  trackUpdate,
} from '#src/api/index.js';
import type { JsonObject, ManagedFieldsEntry } from '#src/api/objects.js';

const text: Schema = { type: 'string' };
const int: Schema = { type: 'integer' };
const strings: Schema = { type: 'object', additionalProperties: text };
const schema: Schema = {
  type: 'object',
  properties: {
    apiVersion: text,
    kind: text,
    metadata: {
      type: 'object',
      properties: {
        name: text,
        labels: strings,
        annotations: strings,
        finalizers: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
      },
    },
    spec: {
      type: 'object',
      properties: {
        replicas: int,
        paused: { type: 'boolean' },
        containers: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            properties: {
              name: text,
              image: text,
              probe: {
                type: 'object',
                properties: {
                  http: { type: 'object', properties: { path: text, scheme: text } },
                  period: int,
                },
              },
            },
          },
        },
      },
    },
    status: { type: 'object', properties: { ready: int } },
  },
};
const apiVersion = 'apps/v1';
const object = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion,
  kind: 'Deployment',
  metadata: { name: 'web', ...metadata },
  spec,
});
const entries = (of: JsonObject): readonly ManagedFieldsEntry[] =>
  ((of.metadata as JsonObject).managedFields ?? []) as unknown as readonly ManagedFieldsEntry[];
const entry = (of: JsonObject, manager: string): ManagedFieldsEntry | undefined =>
  entries(of).find((e) => e.manager === manager);

interface Options {
  readonly manager?: string;
  readonly force?: boolean;
  readonly now?: string;
  readonly subresource?: string;
}
const t1 = '2026-01-01T00:00:01Z';
const t2 = '2026-01-01T00:00:02Z';
const t3 = '2026-01-01T00:00:03Z';
function apply(live: JsonObject | undefined, applied: JsonObject, options: Options = {}): JsonObject {
  const { manager = 'one', force = false, now = t1, ...rest } = options;
  return applyServerSide({
    live: live && deepFreeze(live),
    applied: deepFreeze(applied),
    schema,
    manager,
    apiVersion,
    force,
    now,
    ...rest,
  }).object;
}
function update(live: JsonObject | undefined, updated: JsonObject, options: Options = {}): JsonObject {
  const { manager = 'kubectl', now = t1, subresource } = options;
  return trackUpdate({
    live: live && deepFreeze(live),
    updated: deepFreeze(updated),
    schema,
    manager,
    apiVersion,
    now,
    ...(subresource === undefined ? {} : { subresource }),
  });
}
function conflictOf(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    expect(isApiError(error, 'Conflict'), String(error)).to.equal(true);
    return error as ApiError;
  }
  throw new Error('did not conflict');
}

describe('applyServerSide (API-9)', () => {
  it('creates the object and records what was applied', () => {
    const created = apply(undefined, object({ replicas: 1 }, { labels: { app: 'web' } }));
    expect(created).to.deep.equal(
      object(
        { replicas: 1 },
        {
          labels: { app: 'web' },
          managedFields: [
            {
              manager: 'one',
              operation: 'Apply',
              apiVersion,
              time: t1,
              fieldsType: 'FieldsV1',
              fieldsV1: { 'f:metadata': { 'f:labels': { 'f:app': {} } }, 'f:spec': { 'f:replicas': {} } },
            },
          ],
        },
      ),
    );
  });

  it('applied a second time changes nothing, not even the time', () => {
    const configuration = object({ replicas: 1, containers: [{ name: 'a', image: '1' }] });
    const once = apply(undefined, configuration);
    expect(apply(once, configuration, { now: t2 })).to.deep.equal(once);
  });

  it('takes out what is no longer applied and nobody else owns', () => {
    const once = apply(undefined, object({ replicas: 1, paused: true }));
    expect(apply(once, object({ replicas: 1 })).spec).to.deep.equal({ replicas: 1 });
  });

  it('leaves what another manager owns as well', () => {
    const once = apply(undefined, object({ replicas: 1, paused: true }));
    const shared = apply(once, object({ paused: true }), { manager: 'two' });
    expect(apply(shared, object({ replicas: 1 })).spec).to.deep.equal({ replicas: 1, paused: true });
  });

  it('takes out a whole declared field with its defaults once nobody owns anything in it', () => {
    const probe = { http: { path: '/' } };
    const applied = apply(undefined, object({ containers: [{ name: 'a', probe }] }));
    const managed = (applied.metadata as JsonObject).managedFields as unknown as JsonObject;
    const defaulted = object(
      { containers: [{ name: 'a', probe: { http: { path: '/', scheme: 'HTTP' }, period: 10 } }] },
      { managedFields: managed },
    );
    const without = apply(defaulted, object({ containers: [{ name: 'a' }] }));
    expect(without.spec).to.deep.equal({ containers: [{ name: 'a' }] });
    const other = apply(defaulted, object({ containers: [{ name: 'a', probe: { period: 10 } }] }), {
      manager: 'two',
    });
    expect(apply(other, object({ containers: [{ name: 'a' }] })).spec).to.deep.equal({
      containers: [{ name: 'a', probe: { period: 10 } }],
    });
  });

  it('takes out an item only it owned, whatever others own in it', () => {
    const once = apply(undefined, object({ replicas: 1, containers: [{ name: 'a' }, { name: 'b' }] }));
    const set = object({ replicas: 1, containers: [{ name: 'a' }, { name: 'b', image: '2' }] });
    const other = update(once, { ...set, metadata: once.metadata as JsonObject });
    expect(entry(other, 'kubectl')).not.to.equal(undefined);
    const less = apply(other, object({ replicas: 1, containers: [{ name: 'a' }] }));
    expect(less.spec).to.deep.equal({ replicas: 1, containers: [{ name: 'a' }] });
    expect(entry(less, 'kubectl')).to.equal(undefined);
  });

  it('never takes the identity, even when the last label goes', () => {
    const once = apply(undefined, object({}, { labels: { app: 'web' } }));
    expect((apply(once, object({})).metadata as JsonObject).name).to.equal('web');
  });

  it('takes out items of keyed lists and sets that are no longer applied', () => {
    const once = apply(
      undefined,
      object({ containers: [{ name: 'a' }, { name: 'b' }] }, { finalizers: ['x/one', 'x/two'] }),
    );
    const other = update(
      once,
      object(
        { containers: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
        { finalizers: ['x/one', 'x/two', 'x/three'], managedFields: entries(once) as unknown as JsonObject },
      ),
    );
    const less = apply(other, object({ containers: [{ name: 'b' }] }, { finalizers: ['x/two'] }));
    expect(less.spec).to.deep.equal({ containers: [{ name: 'b' }, { name: 'c' }] });
    expect((less.metadata as JsonObject).finalizers).to.deep.equal(['x/two', 'x/three']);
  });

  it('orders its own items as applied and keeps the others where they are', () => {
    const live = update(undefined, object({ containers: [{ name: 'a' }, { name: 'x' }, { name: 'b' }] }));
    const names = (of: JsonObject): string[] =>
      (of.spec as { containers: { name: string }[] }).containers.map((c) => c.name);
    const reordered = apply(live, object({ containers: [{ name: 'b' }, { name: 'a' }] }));
    expect(names(reordered).filter((n) => n !== 'x')).to.deep.equal(['b', 'a']);
    expect(names(reordered)).to.include('x');
    expect(names(apply(live, object({ containers: [{ name: 'a' }, { name: 'n' }] })))).to.deep.equal([
      'a',
      'x',
      'b',
      'n',
    ]);
  });

  it('keeps live items that cannot be told apart, and refuses to apply such', () => {
    const twins = {
      containers: [
        { name: 'a', image: '1' },
        { name: 'a', image: '2' },
      ],
    };
    const live = update(undefined, object(twins));
    expect(apply(live, object({ replicas: 1 })).spec).to.deep.equal({ ...twins, replicas: 1 });
    expect(() => apply(live, object(twins))).to.throw('duplicate entries for key [name="a"]');
  });

  it('names every contested field of a conflict at once, with its owner', () => {
    const live = update(undefined, object({ replicas: 1, containers: [{ name: 'web', image: '1' }] }));
    const error = conflictOf(() =>
      apply(live, object({ replicas: 2, containers: [{ name: 'web', image: '2' }] })),
    );
    expect(error.causes).to.deep.equal([
      {
        reason: 'FieldManagerConflict',
        message: 'conflict with "kubectl" using apps/v1',
        field: '.spec.containers[name="web"].image',
      },
      {
        reason: 'FieldManagerConflict',
        message: 'conflict with "kubectl" using apps/v1',
        field: '.spec.replicas',
      },
    ]);
    expect(error.message).to.equal(
      'Apply failed with 2 conflicts: conflicts with "kubectl" using apps/v1:\n- .spec.containers[name="web"].image\n- .spec.replicas',
    );
  });

  it('words a conflict with another applier without its version', () => {
    const live = apply(undefined, object({ replicas: 1 }), { manager: 'two' });
    expect(conflictOf(() => apply(live, object({ replicas: 2 }))).message).to.equal(
      'Apply failed with 1 conflict: conflict with "two": .spec.replicas',
    );
  });

  it('force takes the field over', () => {
    const live = apply(undefined, object({ replicas: 1, paused: true }), { manager: 'two' });
    const forced = apply(live, object({ replicas: 2 }), { force: true });
    expect(forced.spec).to.deep.equal({ replicas: 2, paused: true });
    expect(entry(forced, 'two')?.fieldsV1).to.deep.equal({ 'f:spec': { 'f:paused': {} } });
    expect(entry(forced, 'one')?.fieldsV1).to.deep.equal({ 'f:spec': { 'f:replicas': {} } });
  });

  it('gives the fields of an object without owners to before-first-apply', () => {
    const applied = apply(object({ replicas: 1, paused: true }), object({ replicas: 1 }));
    expect(entry(applied, 'before-first-apply')).to.deep.include({
      operation: 'Update',
      apiVersion,
      fieldsV1: { 'f:spec': { 'f:paused': {}, 'f:replicas': {} } },
    });
    expect(
      conflictOf(() => apply(object({ replicas: 1 }), object({ replicas: 2 }))).causes[0]?.message,
    ).to.equal('conflict with "before-first-apply" using apps/v1');
  });

  it('refuses managedFields in the configuration', () => {
    expect(() => apply(undefined, object({}, { managedFields: [{ manager: 'x' }] }))).to.throw(
      'metadata.managedFields must be nil',
    );
  });

  it('survives hostile keys and hostile managedFields', () => {
    const labels = JSON.parse('{"__proto__":"polluted","constructor":"x"}') as JsonObject;
    const once = apply(undefined, object({}, { labels }));
    expect(Object.keys((once.metadata as { labels: object }).labels)).to.deep.equal([
      '__proto__',
      'constructor',
    ]);
    expect(apply(once, object({}, { labels }), { now: t2 })).to.deep.equal(once);
    expect((apply(once, object({})).metadata as JsonObject).labels).to.equal(undefined);
    for (const managedFields of ['x', 5, [null, 7], [{ operation: 'Update', fieldsV1: { 'k:null': {} } }]]) {
      const live = object({ replicas: 1 }, { managedFields: managedFields as unknown as JsonObject });
      expect(apply(live, object({ replicas: 1 })).spec).to.deep.equal({ replicas: 1 });
    }
  });
});

describe('trackUpdate (API-9)', () => {
  it('gives what an update changed to its manager, and takes it from the others', () => {
    const live = apply(undefined, object({ replicas: 1, paused: true }));
    const updated = update(live, { ...live, spec: { replicas: 5, paused: true } }, { now: t2 });
    expect(entry(updated, 'kubectl')).to.deep.include({
      time: t2,
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    });
    expect(entry(updated, 'one')?.fieldsV1).to.deep.equal({ 'f:spec': { 'f:paused': {} } });
    // Who was taken something from has written nothing.
    expect(entry(updated, 'one')?.time).to.equal(t1);
  });

  it('tells when a manager last wrote something, be it another value of what it owns', () => {
    const live = update(undefined, object({ replicas: 1 }));
    const again = update(live, { ...live, spec: { replicas: 2 } }, { now: t2 });
    expect(entry(again, 'kubectl')?.time).to.equal(t2);
    const same = update(again, again, { now: t3 });
    expect(entry(same, 'kubectl')?.time).to.equal(t2);
    const applied = apply(undefined, object({ replicas: 1 }));
    expect(entry(apply(applied, object({ replicas: 2 }), { now: t2 }), 'one')?.time).to.equal(t2);
  });

  it('nobody owns what is gone', () => {
    const live = update(undefined, object({ replicas: 1, paused: true }));
    const updated = update(live, { ...live, spec: { replicas: 1 } }, { manager: 'other' });
    expect(entries(updated)).to.have.length(1);
    expect(entry(updated, 'kubectl')?.fieldsV1).to.deep.equal({ 'f:spec': { '.': {}, 'f:replicas': {} } });
  });

  it('a write that changes nothing keeps managedFields as they are', () => {
    const live = update(undefined, object({ replicas: 1 }));
    expect(update(live, live, { now: t2 })).to.deep.equal(live);
    expect(update(live, live, { now: t2, manager: 'other' })).to.deep.equal(live);
  });

  it('records nothing of the metadata that the server writes', () => {
    const created = update(
      undefined,
      object(
        {},
        { uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: t1, namespace: 'default' },
      ),
    );
    expect(entries(created).map((e) => e.fieldsV1)).to.deep.equal([{ 'f:spec': {} }]);
  });

  it('keeps subresources apart', () => {
    const live = update(undefined, object({ replicas: 1 }));
    const updated = update(live, { ...live, status: { ready: 1 } }, { subresource: 'status' });
    expect(entries(updated).map((e) => [e.subresource, e.fieldsV1])).to.deep.equal([
      [undefined, { 'f:spec': { '.': {}, 'f:replicas': {} } }],
      ['status', { 'f:status': { '.': {}, 'f:ready': {} } }],
    ]);
  });

  it('lets an update rewrite the owners, but not by an empty list or through a subresource', () => {
    const live = update(undefined, object({ replicas: 1 }));
    const given = (managedFields: unknown): JsonObject =>
      object({ replicas: 1 }, { managedFields: managedFields as JsonObject });
    const moved = [{ ...entries(live)[0], manager: 'migrated', operation: 'Apply' }];
    expect(entries(update(live, given(moved))).map((e) => e.manager)).to.deep.equal(['migrated']);
    expect(entries(update(live, given([])))).to.deep.equal(entries(live));
    expect(entries(update(live, given(null)))).to.deep.equal(entries(live));
    expect(entries(update(live, given(moved), { subresource: 'status' }))).to.deep.equal(entries(live));
  });

  it('takes all owners away with one empty entry; then nothing is tracked until the first apply', () => {
    const live = update(undefined, object({ replicas: 1 }));
    const stripped = update(live, object({ replicas: 1 }, { managedFields: [{}] }));
    expect(Object.hasOwn(stripped.metadata as object, 'managedFields')).to.equal(false);
    const changed = update(stripped, object({ replicas: 2 }));
    expect(entries(changed)).to.deep.equal([]);
    expect(entry(apply(changed, object({ replicas: 2 })), 'before-first-apply')).not.to.equal(undefined);
  });

  it('merges the oldest of more than ten updaters into ancient-changes, status writers included', () => {
    let live = update(undefined, object({ replicas: 0 }), { manager: 'creator' });
    for (let i = 1; i <= 15; i++) {
      const annotations = {
        ...((live.metadata as JsonObject).annotations as JsonObject | undefined),
        [`a${i}`]: 'x',
      };
      live = update(
        live,
        { ...live, metadata: { ...(live.metadata as JsonObject), annotations } },
        {
          manager: `m${i}`,
          now: `2026-01-01T00:01:${String(i).padStart(2, '0')}Z`,
          ...(i % 2 ? { subresource: 'status' } : {}),
        },
      );
    }
    const managers = entries(live).map((e) => e.manager);
    expect(managers).to.have.length(10);
    expect(managers).to.include('ancient-changes').and.include('m15').and.not.include('creator');
    expect(JSON.stringify(entry(live, 'ancient-changes')?.fieldsV1)).to.include('f:replicas');
  });
});

describe('owning fields (properties)', () => {
  const container = fc.record(
    { name: fc.constantFrom('a', 'b', 'c'), image: fc.constantFrom('1', '2') },
    { requiredKeys: ['name'] },
  );
  const spec = fc.record(
    {
      replicas: fc.constantFrom(1, 2),
      paused: fc.boolean(),
      // Nobody owns an empty list that is merged, in Kubernetes neither: it comes and goes by itself.
      containers: fc.uniqueArray(container, { selector: (c) => c.name, minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  const labels = fc.dictionary(fc.constantFrom('x', 'y', '__proto__'), fc.constantFrom('1', '2'));
  const configuration = fc.tuple(spec, labels).map(([s, l]) => object(s as JsonObject, { labels: l }));
  const write = fc.record({
    manager: fc.constantFrom('one', 'two', 'three'),
    kind: fc.constantFrom('apply' as const, 'update' as const),
    configuration,
  });
  const run = (writes: readonly (typeof write extends fc.Arbitrary<infer W> ? W : never)[]): JsonObject =>
    writes.reduce<JsonObject | undefined>(
      (live, w) =>
        w.kind === 'apply'
          ? apply(live, w.configuration, { manager: w.manager, force: true })
          : update(live, w.configuration, { manager: w.manager }),
      undefined,
    ) ?? object({});
  const writes = fc.array(write, { minLength: 1, maxLength: 5 });

  it('what was applied by force stands in the object, and applying it again changes nothing', () => {
    fc.assert(
      fc.property(writes, configuration, (before, applied) => {
        const once = apply(run(before), applied, { force: true });
        for (const key of ['replicas', 'paused'] as const) {
          const wanted = (applied.spec as JsonObject)[key];
          if (wanted !== undefined) expect((once.spec as JsonObject)[key]).to.equal(wanted);
        }
        expect(apply(once, applied, { now: t2 })).to.deep.equal(once);
      }),
    );
  });

  it('an apply that does not conflict takes nothing from anybody and changes no value of theirs', () => {
    fc.assert(
      fc.property(writes, configuration, (before, applied) => {
        const live = run(before);
        let next: JsonObject;
        try {
          next = apply(live, applied, { manager: 'newcomer' });
        } catch (error) {
          expect(isApiError(error, 'Conflict'), String(error)).to.equal(true);
          return;
        }
        for (const owner of entries(live)) {
          expect(entry(next, owner.manager ?? '') && entries(next)).to.deep.include(owner);
        }
      }),
    );
  });

  it('an applier that applies nothing any more leaves no trace of what it alone owned', () => {
    fc.assert(
      fc.property(configuration, (applied) => {
        const others = update(undefined, object({ replicas: 7 }, { annotations: { by: 'other' } }));
        const mine = object(
          Object.fromEntries(
            Object.entries(applied.spec as JsonObject).filter(([key]) => key !== 'replicas'),
          ),
          { labels: (applied.metadata as JsonObject).labels as JsonObject },
        );
        const gone = apply(apply(others, mine), object({}));
        expect(gone.spec).to.deep.equal({ replicas: 7 });
        expect(Object.keys((gone.metadata as { labels?: object }).labels ?? {})).to.deep.equal([]);
        expect((gone.metadata as JsonObject).annotations).to.deep.equal({ by: 'other' });
      }),
    );
  });
});
