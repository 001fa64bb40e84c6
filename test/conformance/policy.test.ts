import { expect } from 'chai';
import { conformance, type World } from './conformance.js';
import { supportsApiOperations } from './operations.js';

const api = '/apis/admissionregistration.k8s.io/v1';

const deployment = (name: string, replicas: number) => ({
  metadata: { name, labels: { marker: name } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { nodeSelector: { no: 'node' }, containers: [{ name: 'c', image: 'pause' }] },
    },
  },
});

const deployments = {
  apiGroups: ['apps'],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE'],
  resources: ['deployments'],
};

/** In force for the case's namespace; gone with the case. */
async function enforce(k: World, spec: object): Promise<string> {
  const name = `policy-${k.namespace}`;
  await k.post(`${api}/validatingadmissionpolicies`, {
    metadata: { name },
    spec: { matchConstraints: { resourceRules: [deployments] }, ...spec },
  });
  await k.post(`${api}/validatingadmissionpolicybindings`, {
    metadata: { name: `${name}-binding` },
    spec: {
      policyName: name,
      validationActions: ['Deny'],
      matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': k.namespace } } },
    },
  });
  k.afterwards(() => k.ask('DELETE', `${api}/validatingadmissionpolicybindings/${name}-binding`));
  k.afterwards(() => k.ask('DELETE', `${api}/validatingadmissionpolicies/${name}`));
  return name;
}

conformance('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin]', (restate) => {
  restate('should validate against a Deployment', async (k) => {
    const name = await enforce(k, {
      validations: [
        {
          expression: 'object.spec.replicas > 1',
          messageExpression: "'wants replicas > 1, got ' + string(object.spec.replicas)",
        },
        { expression: 'namespaceObject.metadata.name == request.namespace', message: 'Internal error!' },
      ],
    });
    await k.post(k.at('apps/v1', 'deployments'), deployment('replicated', 2));
    const status = await k.refused(422, 'POST', k.at('apps/v1', 'deployments'), deployment('single', 1));
    expect(status.message).to.equal(
      `deployments.apps "single" is forbidden: ValidatingAdmissionPolicy '${name}' with binding '${name}-binding' denied request: wants replicas > 1, got 1`,
    );
    expect(status.reason).to.equal('Invalid');
    await k.refused(
      422,
      'PATCH',
      k.at('apps/v1', 'deployments', 'replicated'),
      { spec: { replicas: 1 } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
  });

  restate('should allow expressions to refer variables.', async (k) => {
    await enforce(k, {
      variables: [
        { name: 'replicas', expression: 'object.spec.replicas' },
        { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' },
      ],
      validations: [{ expression: 'variables.replicas > 1' }, { expression: 'variables.oddReplicas' }],
    });
    await k.post(k.at('apps/v1', 'deployments'), deployment('three', 3));
    const one = await k.refused(422, 'POST', k.at('apps/v1', 'deployments'), deployment('one', 1));
    expect(one.message).to.include('failed expression: variables.replicas > 1');
    const two = await k.refused(422, 'POST', k.at('apps/v1', 'deployments'), deployment('two', 2));
    expect(two.message).to.include('failed expression: variables.oddReplicas');
  });

  restate('should support ValidatingAdmissionPolicy API operations', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'admissionregistration.k8s.io/v1',
      plural: 'validatingadmissionpolicies',
      kind: 'ValidatingAdmissionPolicy',
      namespaced: false,
      object: {
        spec: {
          matchConstraints: { resourceRules: [deployments] },
          validations: [{ expression: 'object.spec.replicas <= 100' }],
        },
      },
      status: {
        conditions: [
          {
            type: 'E2E',
            status: 'True',
            reason: 'E2E',
            message: 'e2e',
            lastTransitionTime: '2026-11-23T10:00:00Z',
          },
        ],
      },
    }),
  );

  restate('should support ValidatingAdmissionPolicyBinding API operations', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'admissionregistration.k8s.io/v1',
      plural: 'validatingadmissionpolicybindings',
      kind: 'ValidatingAdmissionPolicyBinding',
      namespaced: false,
      object: { spec: { policyName: 'replicalimit-policy.example.com', validationActions: ['Deny'] } },
    }),
  );
});
