import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Input, Kind, ObjectMeta, Shared } from 'gyre/api';
import * as preferred from 'gyre/kinds';
import { Deployment, Event, HorizontalPodAutoscaler, Node, Pod, Service } from 'gyre/kinds';
import type { DeploymentSpec } from 'gyre/kinds/apps/v1';
import { HorizontalPodAutoscaler as HorizontalPodAutoscalerV1 } from 'gyre/kinds/autoscaling/v1';
import type { Container, PodSpec } from 'gyre/kinds/core/v1';
import { builtinResources, serverPreferredVersions } from '#src/api/facts/index.js';

declare const stored: ObjectMeta;
declare const shared: Shared<Deployment>;

/** Compiled, never called: each expected error is a promise of the types. */
export function typesHold(deployment: Deployment, pod: Pod): void {
  const named: 'Namespaced' = Deployment.scope;
  const kindOfPod: Kind<Pod, 'Namespaced'> = Pod;
  // @ts-expect-error a kind of pods is not a kind of nodes
  const wrong: Kind<Node, 'Cluster'> = Pod;

  // @ts-expect-error what was read is readonly
  deployment.spec.replicas = 3;
  // @ts-expect-error and so are its lists
  deployment.spec.template.spec?.containers.push({ name: 'c' });
  // @ts-expect-error and its maps
  (deployment.spec.selector.matchLabels ?? {})['app'] = 'web';
  // @ts-expect-error a misspelt field is no field
  void deployment.status?.readyReplica;
  // @ts-expect-error apiVersion is that of the kind
  const version: 'v1' = deployment.apiVersion;

  // @ts-expect-error a deployment has a spec, and its spec a selector
  const noSpec: Deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: stored };
  // @ts-expect-error a template is required
  const noTemplate: DeploymentSpec = { selector: {} };
  // @ts-expect-error a service may not have any type
  const type: NonNullable<Service['spec']>['type'] = 'Internal';
  const bare: Service = { apiVersion: 'v1', kind: 'Service', metadata: stored };

  const container: Container = { name: 'c', resources: { limits: { cpu: '500m' } } };
  const spec: PodSpec = { containers: [container], restartPolicy: 'Never' };
  const input: Input<Deployment> = {
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec },
    },
  };
  const minimal: Input<Service> = { metadata: { name: 'web' } };
  // @ts-expect-error an input must still have what is required
  const templateless: Input<Deployment> = { metadata: { name: 'web' }, spec: { selector: {} } };
  const readBack: Deployment = shared;
  const phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown' | undefined = pod.status?.phase;
  void [
    named,
    kindOfPod,
    wrong,
    version,
    noSpec,
    noTemplate,
    type,
    bare,
    input,
    minimal,
    templateless,
    readBack,
    phase,
  ];
}

describe('gyre/kinds', () => {
  it('has a descriptor for every built-in resource, agreeing with the facts', () => {
    const kinds = new Map(Object.values(preferred).map((k) => [`${k.group}/${k.version}/${k.plural}`, k]));
    for (const r of builtinResources) {
      const [preferredVersion] = serverPreferredVersions.get(r.group) ?? [];
      const hasVersion = (of: string): boolean =>
        builtinResources.some((o) => o.group === r.group && o.kind === r.kind && o.version === of);
      if (r.version !== preferredVersion && hasVersion(preferredVersion ?? '')) continue;
      if (r.group === 'events.k8s.io') continue;
      expect(kinds.get(`${r.group}/${r.version}/${r.plural}`), r.plural).to.deep.include({
        kind: r.kind,
        scope: r.scope,
      });
    }
    expect(kinds.size).to.equal(59);
  });

  it('gives the preferred version of a kind; others have their own module', () => {
    expect(HorizontalPodAutoscaler.version).to.equal('v2');
    expect(HorizontalPodAutoscalerV1.version).to.equal('v1');
  });

  it('calls the core group’s Event Event', () => {
    expect(Event.group).to.equal('');
  });

  it('has frozen descriptors', () => {
    expect(Object.isFrozen(Pod)).to.equal(true);
    expect(Service).to.deep.equal({
      group: '',
      version: 'v1',
      kind: 'Service',
      plural: 'services',
      scope: 'Namespaced',
    });
    expect(Node.scope).to.equal('Cluster');
  });

  it('does not load the facts table', () => {
    const loaded = new Set<string>();
    const follow = (url: string): void => {
      if (loaded.has(url)) return;
      loaded.add(url);
      const source = readFileSync(fileURLToPath(url), 'utf8');
      for (const [, specifier = ''] of source.matchAll(/(?:from|import) '([^']+)'/g)) {
        follow(new URL(specifier, url).href);
      }
    };
    follow(import.meta.resolve('gyre/kinds'));
    expect([...loaded].filter((url) => /\/api\/facts\//.test(url))).to.deep.equal([]);
    expect(loaded.size).to.be.greaterThan(20);
  });
});
