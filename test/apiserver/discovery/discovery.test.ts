import { expect } from 'chai';
import fc from 'fast-check';
import { apiGroupDiscoveryList } from '#src/apiserver/discovery/aggregated.js';
import {
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
} from '#src/apiserver/discovery/unaggregated.js';
import { compareKubeVersions } from '#src/apiserver/discovery/version-order.js';
import { builtins, cronTabs, otherVersion } from '../served-resources.js';

const all = [...builtins, cronTabs];

describe('compareKubeVersions', () => {
  it('prefers stable to beta to alpha, the higher number, and anything else last', () => {
    const sorted = [
      'v10',
      'v2',
      'v1',
      'v11beta2',
      'v10beta3',
      'v3beta1',
      'v12alpha1',
      'v11alpha2',
      'foo1',
      'foo10',
    ];
    for (const reversed of [false, true]) {
      const input = reversed ? [...sorted].reverse() : [...sorted].sort();
      expect(input.sort(compareKubeVersions)).to.deep.equal(sorted);
    }
  });

  it('is a total order', () => {
    const version = fc.oneof(fc.stringMatching(/^v[1-3]((alpha|beta)[1-3])?$/), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareKubeVersions(a, b))).to.equal(-Math.sign(compareKubeVersions(b, a)) + 0);
        if (compareKubeVersions(a, b) <= 0 && compareKubeVersions(b, c) <= 0) {
          expect(compareKubeVersions(a, c)).to.be.at.most(0);
        }
      }),
    );
  });
});

describe('unaggregated discovery (API-12)', () => {
  it('/api names v1 and where the server is', () => {
    expect(apiVersions('127.0.0.1:6443')).to.deep.equal({
      kind: 'APIVersions',
      apiVersion: 'v1',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1:6443' }],
    });
  });

  it('/apis lists every group but the core one, the preferred version first', () => {
    const { groups } = apiGroupList(all);
    expect(groups.map((g) => g.name))
      .to.include.members(['apps', 'stable.example.com'])
      .and.not.include('');
    expect(groups.find((g) => g.name === 'autoscaling')).to.deep.equal({
      name: 'autoscaling',
      versions: [
        { groupVersion: 'autoscaling/v2', version: 'v2' },
        { groupVersion: 'autoscaling/v1', version: 'v1' },
      ],
      preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
    });
  });

  it('sorts the versions of a custom group, whatever their order', () => {
    const group = apiGroup('stable.example.com', [
      otherVersion('v1alpha1'),
      otherVersion('v1beta1'),
      cronTabs,
    ]);
    expect(group?.versions.map((v) => v.version)).to.deep.equal(['v1', 'v1beta1', 'v1alpha1']);
    expect(group?.kind).to.equal('APIGroup');
    expect(apiGroup('nothing.example.com', all)).to.equal(undefined);
  });

  it('/api/v1 gives pods/eviction the group and version of its kind, which drain looks for', () => {
    const { resources, groupVersion } = apiResourceList({ group: '', version: 'v1' }, all);
    expect(groupVersion).to.equal('v1');
    expect(resources.find((r) => r.name === 'pods/eviction')).to.deep.equal({
      name: 'pods/eviction',
      singularName: '',
      namespaced: true,
      group: 'policy',
      version: 'v1',
      kind: 'Eviction',
      verbs: ['create'],
    });
    expect(resources.find((r) => r.name === 'pods')).to.deep.equal({
      name: 'pods',
      singularName: 'pod',
      namespaced: true,
      kind: 'Pod',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['po'],
      categories: ['all'],
    });
    expect(resources.find((r) => r.name === 'pods/status')).to.not.have.property('group');
  });

  it('lists only the resources of the version asked for', () => {
    expect(
      apiResourceList({ group: 'autoscaling', version: 'v1' }, all).resources.map((r) => r.name),
    ).to.deep.equal(['horizontalpodautoscalers', 'horizontalpodautoscalers/status']);
    expect(apiResourceList({ group: 'autoscaling', version: 'v3' }, all).resources).to.deep.equal([]);
  });
});

describe('aggregated discovery (API-12)', () => {
  it('lists exactly the groups of the resources given, versions and resources in order', () => {
    const list = apiGroupDiscoveryList(all.filter((r) => r.facts.group !== ''));
    expect(list.apiVersion).to.equal('apidiscovery.k8s.io/v2');
    expect(list.items.map((g) => g.metadata.name).slice(0, 2)).to.deep.equal([
      'apiregistration.k8s.io',
      'apps',
    ]);
    const apps = list.items.find((g) => g.metadata.name === 'apps');
    expect(apps?.versions[0]?.freshness).to.equal('Current');
    expect(apps?.versions[0]?.resources.map((r) => r.resource)).to.deep.equal([
      'controllerrevisions',
      'daemonsets',
      'deployments',
      'replicasets',
      'statefulsets',
    ]);
  });

  it('leaves the core group nameless, as /api answers it', () => {
    const [core, ...more] = apiGroupDiscoveryList(all.filter((r) => r.facts.group === '')).items;
    expect(core?.metadata).to.deep.equal({ creationTimestamp: null });
    expect(more).to.deep.equal([]);
  });

  it('describes a custom resource with its subresources', () => {
    const [group] = apiGroupDiscoveryList([cronTabs]).items;
    expect(group?.versions[0]?.resources).to.deep.equal([
      {
        resource: 'crontabs',
        responseKind: { group: 'stable.example.com', version: 'v1', kind: 'CronTab' },
        scope: 'Namespaced',
        singularResource: 'crontab',
        verbs: cronTabs.facts.verbs,
        shortNames: ['ct'],
        categories: ['all'],
        subresources: [
          {
            subresource: 'scale',
            responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
            verbs: ['get', 'patch', 'update'],
          },
          {
            subresource: 'status',
            responseKind: { group: 'stable.example.com', version: 'v1', kind: 'CronTab' },
            verbs: ['get', 'patch', 'update'],
          },
        ],
      },
    ]);
  });

  it('answers older clients in v2beta1', () => {
    expect(apiGroupDiscoveryList([cronTabs], 'v2beta1').apiVersion).to.equal('apidiscovery.k8s.io/v2beta1');
  });
});
