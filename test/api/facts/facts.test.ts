import { expect } from 'chai';
import {
  builtinResources,
  leafTypeNames,
  schemaOfKind,
  schemaOfType,
  serverPreferredVersions,
} from '#src/api/facts/index.js';
import { facts } from '#src/api/facts/table.js';
import type { Schema } from '#src/api/schema/schema.js';

const kindSchema = (group: string, version: string, kind: string): Schema => {
  const schema = schemaOfKind({ group, version, kind });
  if (!schema) throw new Error(`no schema of ${kind}`);
  return schema;
};
const at = (schema: Schema, ...path: string[]): Schema => {
  let here = schema;
  for (const name of path) {
    const next = name === '[]' ? here.items : here.properties?.[name];
    if (!next) throw new Error(`no ${name} in ${path.join('.')}`);
    here = next;
  }
  return here;
};
const resource = (plural: string, group = '') => {
  const found = builtinResources.find((r) => r.plural === plural && r.group === group);
  if (!found) throw new Error(`no ${plural}`);
  return found;
};

describe('the facts of Kubernetes 1.32: resources', () => {
  it('are the 59 that a server serves by default, and two that it serves when told to', () => {
    const isStable = ({ version }: { version: string }): boolean => /^v\d+$/.test(version);
    expect(builtinResources.filter(isStable)).to.have.length(59);
    const others = builtinResources.filter((r) => !isStable(r));
    expect(others.map((r) => `${r.group}/${r.version}/${r.plural}`)).to.deep.equal([
      'admissionregistration.k8s.io/v1alpha1/mutatingadmissionpolicies',
      'admissionregistration.k8s.io/v1alpha1/mutatingadmissionpolicybindings',
    ]);
    expect(builtinResources.filter((r) => r.group === '')).to.have.length(17);
  });

  it('come in groups ordered as a server lists them, the preferred version first', () => {
    expect([...serverPreferredVersions.keys()].slice(0, 3)).to.deep.equal([
      '',
      'apiregistration.k8s.io',
      'apps',
    ]);
    expect(serverPreferredVersions.get('autoscaling')).to.deep.equal(['v2', 'v1']);
    const groups = [...new Set(builtinResources.map((r) => r.group))];
    expect(groups).to.deep.equal([...serverPreferredVersions.keys()]);
  });

  it('tell scope, names and verbs', () => {
    expect(resource('deployments', 'apps')).to.deep.include({
      kind: 'Deployment',
      singular: 'deployment',
      listKind: 'DeploymentList',
      scope: 'Namespaced',
      shortNames: ['deploy'],
      categories: ['all'],
      typeName: 'io.k8s.api.apps.v1.Deployment',
    });
    expect(resource('nodes').scope).to.equal('Cluster');
    expect(resource('namespaces').verbs).to.not.include('deletecollection');
    expect(resource('subjectaccessreviews', 'authorization.k8s.io').verbs).to.deep.equal(['create']);
    expect(resource('customresourcedefinitions', 'apiextensions.k8s.io')).to.deep.include({
      shortNames: ['crd', 'crds'],
      categories: ['api-extensions'],
    });
  });

  it('tell the kind and verbs of subresources (API-14)', () => {
    const subresource = (plural: string, name: string, group?: string) =>
      resource(plural, group).subresources.find((s) => s.name === name);
    expect(subresource('pods', 'eviction')).to.deep.equal({
      name: 'eviction',
      kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
      verbs: ['create'],
    });
    expect(subresource('deployments', 'scale', 'apps')?.kind).to.deep.equal({
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
    });
    expect(subresource('serviceaccounts', 'token')?.kind.kind).to.equal('TokenRequest');
    expect(subresource('pods', 'exec')?.verbs).to.deep.equal(['create', 'get']);
    expect(subresource('pods', 'resize'), 'behind a gate that is off').to.equal(undefined);
  });

  it('each have a schema with apiVersion, kind and metadata, and so do their lists', () => {
    for (const r of builtinResources) {
      const schema = kindSchema(r.group, r.version, r.kind);
      expect(schema.typeName).to.equal(r.typeName);
      expect(Object.keys(schema.properties ?? {}), r.kind).to.include.members([
        'apiVersion',
        'kind',
        'metadata',
      ]);
      if (!r.verbs.includes('list')) continue;
      expect(at(kindSchema(r.group, r.version, r.listKind), 'items', '[]')).to.equal(schema);
    }
  });
});

describe('the facts of Kubernetes 1.32: schemas', () => {
  it('say what a Deployment must have', () => {
    const spec = at(kindSchema('apps', 'v1', 'Deployment'), 'spec');
    expect(spec.required).to.deep.equal(['selector', 'template']);
    expect(at(spec, 'selector')).to.deep.include({
      type: 'object',
      typeName: 'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector',
      'x-kubernetes-map-type': 'atomic',
    });
    expect(at(spec, 'strategy')['x-kubernetes-patch-strategy']).to.equal('retainKeys');
  });

  it('say how lists and maps merge (API-8, API-9)', () => {
    const pod = at(kindSchema('', 'v1', 'Pod'), 'spec');
    expect(at(pod, 'containers')).to.deep.include({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge',
    });
    expect(at(pod, 'tolerations')['x-kubernetes-list-type']).to.equal('atomic');
    expect(at(pod, 'nodeSelector')['x-kubernetes-map-type']).to.equal('atomic');
    expect(at(kindSchema('', 'v1', 'Service'), 'spec', 'ports')).to.deep.include({
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      'x-kubernetes-patch-merge-key': 'port',
    });
    const metadata = at(kindSchema('', 'v1', 'ConfigMap'), 'metadata');
    expect(at(metadata, 'ownerReferences')['x-kubernetes-list-map-keys']).to.deep.equal(['uid']);
    expect(at(metadata, 'finalizers')['x-kubernetes-list-type']).to.equal('set');
    expect(at(metadata, 'labels')['x-kubernetes-map-type']).to.equal(undefined);
  });

  it('type maps by their values', () => {
    expect(at(kindSchema('', 'v1', 'ConfigMap'), 'data')).to.deep.equal({
      type: 'object',
      additionalProperties: { type: 'string' },
    });
    expect(at(kindSchema('', 'v1', 'Secret'), 'data')).to.deep.equal({
      type: 'object',
      additionalProperties: { type: 'string', format: 'byte' },
    });
  });

  it('mark int-or-string, quantities and free-form values', () => {
    expect(at(kindSchema('', 'v1', 'Service'), 'spec', 'ports', '[]', 'targetPort')).to.deep.include({
      'x-kubernetes-int-or-string': true,
    });
    const limits = at(kindSchema('', 'v1', 'Pod'), 'spec', 'containers', '[]', 'resources', 'limits');
    expect((limits.additionalProperties as Schema).typeName).to.equal(leafTypeNames.quantity);
    expect(at(kindSchema('apps', 'v1', 'ControllerRevision'), 'data')).to.deep.include({
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
    });
  });

  it('hold defaults that depend on nothing else (OC-16, OC-17, D-5)', () => {
    const pod = at(kindSchema('', 'v1', 'Pod'), 'spec');
    expect(at(pod, 'dnsPolicy').default).to.equal('ClusterFirst');
    expect(at(pod, 'terminationGracePeriodSeconds').default).to.equal(30);
    expect(at(pod, 'enableServiceLinks').default, 'of pods only, not of templates').to.equal(undefined);
    expect(at(kindSchema('', 'v1', 'Service'), 'spec', 'ports', '[]', 'protocol').default).to.equal('TCP');
    const deployment = at(kindSchema('apps', 'v1', 'Deployment'), 'spec');
    expect(at(deployment, 'replicas').default).to.equal(1);
    expect(at(deployment, 'strategy', 'rollingUpdate', 'maxSurge').default).to.equal('25%');
    expect(
      at(kindSchema('batch', 'v1', 'CronJob'), 'spec', 'jobTemplate', 'spec', 'suspend').default,
    ).to.equal(undefined);
  });

  it('hold enumerations, of a field or of the items of a list', () => {
    const claim = at(kindSchema('', 'v1', 'PersistentVolumeClaim'), 'spec');
    expect(at(claim, 'volumeMode').enum).to.deep.equal(['Block', 'Filesystem']);
    expect(at(claim, 'accessModes', '[]').enum).to.include('ReadWriteOncePod');
    expect(at(claim, 'accessModes').enum).to.equal(undefined);
  });

  it('give every property its protobuf number, directly or through an inline message', () => {
    const missing: string[] = [];
    for (const [pkg, types] of Object.entries(facts.types)) {
      for (const type of Object.keys(types)) {
        const schema = schemaOfType(`${facts.packages[pkg]}.${type}`);
        if (!schema) throw new Error(type);
        const encoded = new Set<string>();
        const collect = (s: Schema): void => {
          for (const [name, field] of Object.entries(s.protobuf ?? {})) {
            const inner = field.inline ? schemaOfType(field.type) : undefined;
            if (inner) collect(inner);
            else encoded.add(name);
          }
        };
        collect(schema);
        const { apiVersion, kind, ...rest } = schema.properties ?? {};
        const beside = apiVersion && kind && !schema.protobuf?.['apiVersion'] ? rest : schema.properties;
        for (const name of Object.keys(beside ?? {})) {
          if (!encoded.has(name)) missing.push(`${type}.${name}`);
        }
      }
    }
    expect(missing).to.deep.equal(['APIResource.verbs']);
  });

  it('are shared and stable, also where a type contains itself', () => {
    const schema = kindSchema('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition');
    const props = schemaOfType('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps');
    expect(at(schema, 'spec', 'versions', '[]', 'schema', 'openAPIV3Schema')).to.equal(props);
    expect(props?.properties?.['not']).to.equal(props);
    expect(schema.properties).to.equal(schema.properties);
    const template = at(kindSchema('apps', 'v1', 'Deployment'), 'spec', 'template');
    expect(template.properties).to.equal(schemaOfType('io.k8s.api.core.v1.PodTemplateSpec')?.properties);
  });

  it('know no property that only an object prototype has', () => {
    const { properties } = kindSchema('', 'v1', 'Pod');
    expect(properties?.['constructor']).to.equal(undefined);
    expect(properties?.['__proto__']).to.equal(undefined);
    expect(schemaOfType('io.k8s.api.core.v1.constructor')).to.equal(undefined);
    expect(schemaOfType('io.k8s.api.core.v1.constructorList')).to.equal(undefined);
    expect(schemaOfType('constructor')).to.equal(undefined);
  });

  it('know bodies: DeleteOptions in the group of what is deleted, others in their own', () => {
    const options = kindSchema('', 'v1', 'DeleteOptions');
    expect(kindSchema('apps', 'v1', 'DeleteOptions')).to.equal(options);
    expect(kindSchema('policy', 'v1', 'Eviction').typeName).to.equal('io.k8s.api.policy.v1.Eviction');
    expect(schemaOfKind({ group: 'apps', version: 'v1', kind: 'Eviction' })).to.equal(undefined);
    expect(schemaOfType('io.k8s.api.core.v1.PodTemplateSpecList'), 'lists are of kinds').to.equal(undefined);
    expect(
      schemaOfKind({ group: 'authorization.k8s.io', version: 'v1', kind: 'SubjectAccessReviewList' }),
    ).to.equal(undefined);
    expect(schemaOfKind({ group: 'example.com', version: 'v1', kind: 'Website' })).to.equal(undefined);
  });
});
