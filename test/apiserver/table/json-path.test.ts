import { expect } from 'chai';
import fc from 'fast-check';
import { compileJsonPath } from '#src/apiserver/table/index.js';

const object = {
  metadata: { name: 'web', labels: { 'example.com/tier': 'front', 'a.b': 'c', app: 'x' } },
  spec: { replicas: 3, hosts: ['a', 'b', 'c'], 'odd key': true, none: null },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', age: 5 },
      { type: 'Synced', status: 'False', age: 50 },
    ],
  },
};

describe('compileJsonPath', () => {
  for (const [path, found] of [
    ['.spec.replicas', [3]],
    ['{.spec.replicas}', [3]],
    ['$.spec.replicas', [3]],
    ['spec.replicas', [3]],
    ['.spec.missing.deeper', []],
    ['.spec.none', [null]],
    ['.spec.hosts[0]', ['a']],
    ['.spec.hosts[-1]', ['c']],
    ['.spec.hosts[7]', []],
    ['.spec.hosts[*]', ['a', 'b', 'c']],
    ['.metadata.labels.*', ['front', 'c', 'x']],
    ["['spec']['odd key']", [true]],
    [".metadata.labels['example.com/tier']", ['front']],
    ['.metadata.labels.example\\.com/tier', ['front']],
    ["['metadata']['labels']['a\\.b']", ['c']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".status.conditions[?(@.type=='Synced')].status", ['False']],
    ['.status.conditions[?(@.age > 10)].type', ['Synced']],
    ['.status.conditions[?(@.type != "Ready")].age', [50]],
    ['.status.conditions[?(@.missing)].age', []],
    ['.status.conditions[?(@.age)].age', [5, 50]],
    ['.status.conditions[*].type', ['Ready', 'Synced']],
    ['.spec[?(@.a=="b")]', []],
  ] as const) {
    it(`${path} finds ${JSON.stringify(found)}`, () => {
      expect(compileJsonPath(path).find(object)).to.deep.equal(found);
    });
  }

  for (const path of ['.a[', '.a[?(x)]', '..a', '.a[b]', '.a[0]b', '.a[?(@.b==)]']) {
    it(`refuses ${path}`, () => expect(() => compileJsonPath(path)).to.throw(TypeError, 'invalid JSONPath'));
  }

  it('does not find what is not the object’s own', () => {
    for (const path of ['.constructor', '.spec.__proto__', ".spec['hasOwnProperty']", '.spec.hosts.length']) {
      expect(compileJsonPath(path).find(object)).to.deep.equal([]);
    }
  });

  it('finds any member by its quoted or escaped name (property)', () => {
    const key = fc.string({ minLength: 1 }).filter((k) => k !== '*');
    fc.assert(
      fc.property(key, fc.integer(), (name, value) => {
        const own = Object.fromEntries([[name, value]]);
        const quoted = `['${name.replace(/[\\'"]/g, '\\$&')}']`;
        expect(compileJsonPath(`$${quoted}`).find(own)).to.deep.equal([value]);
        const escaped = [...name].map((char) => `\\${char}`).join('');
        expect(compileJsonPath(`$.${escaped}`).find(own)).to.deep.equal([value]);
      }),
    );
  });
});
