/** The objects that tell an API server which webhooks to ask, and where. */
import { apiVersionOf, type Input, type WebhookClientConfig } from '../../api/index.js';
import {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../api/kinds/admissionregistration/v1.js';
import { CustomResourceDefinition } from '../../api/kinds/apiextensions/v1.js';
import type { Client } from '../../client/index.js';
import type { AdmissionDefinition, AdmissionMode } from './admission.js';
import type { ConversionDefinition } from './conversion.js';

/** Where a webhook of a kind answers: `/validate/apps.example.com/v1/websites`. */
export function pathOf({ kind }: AdmissionDefinition, mode: AdmissionMode): string {
  const verb = mode === 'mutating' ? 'mutate' : 'validate';
  return `/${verb}/${apiVersionOf(kind)}/${kind.plural}`;
}

/** Applies one configuration per mode that is in use; those that are not wanted any more are deleted. */
export async function applyConfigurations(
  client: Client,
  name: string,
  definitions: readonly AdmissionDefinition[],
  configOf: (path: string) => WebhookClientConfig,
): Promise<void> {
  const wanted = {
    mutating: definitions.filter(({ defaulters }) => defaulters.length > 0),
    validating: definitions.filter(({ validators }) => validators.length > 0),
  };
  const metadata = { name };
  for (const mode of ['mutating', 'validating'] as const) {
    const kind = mode === 'mutating' ? MutatingWebhookConfiguration : ValidatingWebhookConfiguration;
    const webhooks = wanted[mode].map((definition) => webhook(definition, mode, configOf));
    if (webhooks.length > 0)
      await client.apply(kind as never, { metadata, webhooks } as never, { force: true });
    else if (await client.find(kind as never, name)) await client.delete(kind as never, name);
  }
}

function webhook(
  definition: AdmissionDefinition,
  mode: AdmissionMode,
  configOf: (path: string) => WebhookClientConfig,
): NonNullable<Input<ValidatingWebhookConfiguration>['webhooks']>[number] {
  const { kind, settings } = definition;
  const { failurePolicy = 'Fail', timeoutSeconds = 10, operations = ['CREATE', 'UPDATE'] } = settings;
  return {
    name: `${mode}.${kind.plural}.${kind.group === '' ? 'core.k8s.io' : kind.group}`,
    clientConfig: configOf(pathOf(definition, mode)),
    rules: [
      {
        apiGroups: [kind.group],
        apiVersions: [kind.version],
        resources: [kind.plural],
        // Nobody fills in what is on its way out.
        operations:
          mode === 'mutating' ? operations.filter((operation) => operation !== 'DELETE') : operations,
        scope: kind.scope === 'Cluster' ? 'Cluster' : 'Namespaced',
      },
    ],
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy,
    timeoutSeconds,
    ...(settings.namespaceSelector ? { namespaceSelector: settings.namespaceSelector } : {}),
    ...(settings.objectSelector ? { objectSelector: settings.objectSelector } : {}),
  };
}

/** Where the versions of a kind are converted: `/convert/apps.example.com/websites`. */
export function conversionPathOf({ hub }: ConversionDefinition): string {
  return `/convert/${hub.group}/${hub.plural}`;
}

/** Tells the definitions of the kinds who converts; the rest of them is whoever installed them's. */
export async function applyConversions(
  client: Client,
  definitions: readonly ConversionDefinition[],
  configOf: (path: string) => WebhookClientConfig,
): Promise<void> {
  for (const definition of definitions) {
    const { plural, group } = definition.hub;
    const clientConfig = configOf(conversionPathOf(definition));
    const conversion = { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } };
    await client.patchRaw(CustomResourceDefinition, `${plural}.${group}`, {
      type: 'merge',
      patch: { spec: { conversion } },
    });
  }
}
