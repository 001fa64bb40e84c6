/** Resources for the tests of discovery and OpenAPI: all built-in ones, and a custom one. */
import { builtinResources, schemaOfKind } from '#src/api/facts/index.js';
import type { DescribedResource } from '#src/apiserver/resource.js';

export const builtins: readonly DescribedResource[] = builtinResources.map((facts) => ({
  facts,
  schema: schemaOfKind(facts) ?? {},
  builtin: true,
}));

const cronTab = { group: 'stable.example.com', version: 'v1', kind: 'CronTab' };

export const cronTabs: DescribedResource = {
  builtin: false,
  facts: {
    ...cronTab,
    listKind: 'CronTabList',
    plural: 'crontabs',
    singular: 'crontab',
    scope: 'Namespaced',
    shortNames: ['ct'],
    categories: ['all'],
    verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    subresources: [
      {
        name: 'scale',
        kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
        verbs: ['get', 'patch', 'update'],
      },
      { name: 'status', kind: cronTab, verbs: ['get', 'patch', 'update'] },
    ],
  },
  schema: {
    type: 'object',
    properties: {
      metadata: { type: 'object' },
      spec: {
        type: 'object',
        required: ['cron'],
        properties: {
          cron: { type: 'string', description: 'when' },
          hosts: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
          template: {
            type: 'object',
            'x-kubernetes-embedded-resource': true,
            properties: { spec: { type: 'object', additionalProperties: { type: 'string' } } },
          },
        },
      },
    },
  },
};

export const otherVersion = (version: string): DescribedResource => ({
  ...cronTabs,
  facts: { ...cronTabs.facts, version },
});
