import { expect } from 'chai';
import { validateObjectMeta, validateObjectMetaUpdate } from '#src/apiserver/builtin/index.js';
import { texts } from './cases.js';

const valid = { name: 'web', namespace: 'default' };
const errors = (metadata: object, builtin = true): string[] =>
  texts(
    validateObjectMeta({ metadata: { ...valid, ...metadata } } as never, { scope: 'Namespaced', builtin }),
  );

const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'u', controller: true };

describe('metadata of new objects (API-5)', () => {
  it('accepts a name in a namespace', () => expect(errors({})).to.deep.equal([]));

  it('needs a name, and a namespace exactly where the kind has one', () => {
    expect(errors({ name: undefined })).to.deep.equal([
      'metadata.name: Required value: name or generateName is required',
    ]);
    expect(errors({ namespace: '' })).to.deep.equal(['metadata.namespace: Required value']);
    expect(texts(validateObjectMeta({ metadata: valid } as never, { scope: 'Cluster' }))).to.deep.equal([
      'metadata.namespace: Forbidden: not allowed on this type',
    ]);
  });

  it('holds names against the rule of the kind', () => {
    const [error] = errors({ name: 'Web' });
    expect(error).to.match(
      /^metadata\.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of/,
    );
  });

  it('lets a name prefix end in a dash', () => {
    expect(errors({ generateName: 'web-' })).to.deep.equal([]);
    expect(errors({ generateName: '-' }).length).to.equal(0);
    expect(errors({ generateName: 'Web-' })).to.have.length(1);
  });

  it('holds keys and values of labels against their rules', () => {
    expect(errors({ labels: { 'a/b/c': 'x' } })[0]).to.match(
      /^metadata\.labels: Invalid value: "a\/b\/c": a qualified name/,
    );
    expect(errors({ labels: { a: '-' } })[0]).to.match(
      /^metadata\.labels: Invalid value: "-": a valid label must be/,
    );
  });

  it('bounds annotations to 256 KiB in all, whatever their keys are called', () => {
    expect(errors({ annotations: { a: 'x'.repeat(256 * 1024 - 1) } })).to.deep.equal([]);
    expect(errors({ annotations: { a: 'x'.repeat(256 * 1024) } })).to.deep.equal([
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ]);
    expect(errors({ annotations: { 'Example.COM/Key': 'x' } })).to.deep.equal([]);
  });

  it('knows finalizers by their domain, in built-in kinds', () => {
    expect(errors({ finalizers: ['example.com/a', 'orphan'] })).to.deep.equal([]);
    expect(errors({ finalizers: ['mine'] })).to.deep.equal([
      'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ]);
    expect(errors({ finalizers: ['mine'] }, false)).to.deep.equal([]);
  });

  it('allows one controller among the owners', () => {
    expect(errors({ ownerReferences: [owner, { ...owner, name: 'b', controller: false }] })).to.deep.equal(
      [],
    );
    const [error] = errors({ ownerReferences: [owner, { ...owner, name: 'b' }] });
    expect(error).to.contain(
      'Only one reference can have Controller set to true. Found "true" in references for ReplicaSet/a and ReplicaSet/b',
    );
  });

  it('needs owners to be named completely', () => {
    expect(errors({ ownerReferences: [{ apiVersion: 'apps/', kind: '', name: '', uid: '' }] })).to.deep.equal(
      [
        'metadata.ownerReferences.apiVersion: Invalid value: "apps/": version must not be empty',
        'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
        'metadata.ownerReferences.name: Invalid value: "": must not be empty',
        'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
      ],
    );
  });
});

describe('metadata of updated objects (API-6)', () => {
  const update = (now: object, old: object): string[] =>
    texts(
      validateObjectMetaUpdate(
        { metadata: { ...valid, ...now } } as never,
        { metadata: { ...valid, ...old } } as never,
      ),
    );

  it('keeps identity', () => {
    expect(update({ name: 'b', uid: '2' }, { uid: '1' })).to.deep.equal([
      'metadata.name: Invalid value: "b": field is immutable',
      'metadata.uid: Invalid value: "2": field is immutable',
    ]);
  });

  it('takes no new finalizers while the object is being deleted', () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    const old = { deletionTimestamp, finalizers: ['example.com/a', 'example.com/b'] };
    expect(update({ deletionTimestamp, finalizers: ['example.com/b'] }, old)).to.deep.equal([]);
    expect(update({ deletionTimestamp, finalizers: ['example.com/c'] }, old)).to.deep.equal([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/c"}',
    ]);
  });
});
