import { expect } from 'chai';
import { compileRule, type RuleFields, type RuleTarget } from '#src/apiserver/admission/webhooks/matching.js';

const pods: RuleTarget = {
  operation: 'CREATE',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'default',
};
const all: RuleFields = {
  operations: ['*'],
  apiGroups: ['*'],
  apiVersions: ['*'],
  resources: ['*/*'],
  scope: '*',
};
const log = { subresource: 'log' };
const cluster = { resource: 'nodes', namespace: '' };
const namespace = { resource: 'namespaces', namespace: 'a' };

const table: readonly (readonly [
  name: string,
  rule: RuleFields,
  target: Partial<RuleTarget>,
  matches: boolean,
])[] = [
  ['everything', {}, {}, true],
  ['its operation', { operations: ['CREATE', 'UPDATE'] }, {}, true],
  ['no other operation', { operations: ['DELETE'] }, {}, false],
  ['CONNECT when it says so', { operations: ['CONNECT'] }, { operation: 'CONNECT' }, true],
  ['its group', { apiGroups: ['apps'] }, { group: 'apps' }, true],
  ['the core group by its empty name', { apiGroups: [''] }, {}, true],
  ['no other group', { apiGroups: ['apps'] }, {}, false],
  ['its version', { apiVersions: ['v1', 'v2'] }, {}, true],
  ['no other version', { apiVersions: ['v1beta1'] }, {}, false],
  ['its resource', { resources: ['pods'] }, {}, true],
  ['not the subresources of its resource', { resources: ['pods'] }, log, false],
  ['one subresource', { resources: ['pods/log'] }, log, true],
  ['not the resource of a subresource', { resources: ['pods/log'] }, {}, false],
  ['with pods/* the pods', { resources: ['pods/*'] }, {}, true],
  ['with pods/* their subresources', { resources: ['pods/*'] }, log, true],
  ['with pods/* nothing else', { resources: ['pods/*'] }, { resource: 'services' }, false],
  ['with * every resource', { resources: ['*'] }, { resource: 'services' }, true],
  ['with * no subresource', { resources: ['*'] }, log, false],
  ['with */log that subresource of all', { resources: ['*/log'] }, log, true],
  ['with */log no other subresource', { resources: ['*/log'] }, { subresource: 'status' }, false],
  ['with */* everything', { resources: ['*/*'] }, log, true],
  ['in scope Namespaced what has a namespace', { scope: 'Namespaced' }, {}, true],
  ['in scope Namespaced nothing else', { scope: 'Namespaced' }, cluster, false],
  ['in scope Namespaced no Namespace', { scope: 'Namespaced' }, namespace, false],
  ['in scope Cluster what has none', { scope: 'Cluster' }, cluster, true],
  ['in scope Cluster a Namespace', { scope: 'Cluster' }, namespace, true],
  ['in scope Cluster nothing that has one', { scope: 'Cluster' }, {}, false],
  ['nothing when the rule names nothing', { operations: [] }, {}, false],
];

describe('API-17 the rules of a webhook match', () => {
  for (const [name, rule, target, matches] of table) {
    it(name, () => {
      expect(compileRule({ ...all, ...rule })({ ...pods, ...target })).to.equal(matches);
    });
  }
});
