/** What the rows are about: a ConfigMap, a Deployment, a custom kind and an object of it. */
import { kind, type KubernetesObject } from 'gyre/api';
import type { Command } from './row.js';

export const settings = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings' },
  data: { colour: 'blue', size: '3' },
};

export const web = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'nginx', image: 'nginx:1.27', ports: [{ containerPort: 80 }] }] },
    },
  },
};

/** A pod that was given to a node, which may be nowhere. */
export const podOn = (nodeName: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'shell' },
  spec: { nodeName, containers: [{ name: 'shell', image: 'busybox' }] },
});

export const Gadget = kind<KubernetesObject, 'Namespaced'>({
  group: 'shop.example.com',
  version: 'v1',
  kind: 'Gadget',
  plural: 'gadgets',
  scope: 'Namespaced',
});

export const gadget = {
  apiVersion: 'shop.example.com/v1',
  kind: 'Gadget',
  metadata: { name: 'ball' },
  spec: { colour: 'red' },
};

const names = {
  plural: 'gadgets',
  singular: 'gadget',
  kind: 'Gadget',
  shortNames: ['gd'],
  categories: ['all'],
};

/** The definition of Gadget, and of Widget, which is like it: in a group of the row's own, beside those of others. */
export const gadgets = definition('shop.example.com', names);
export const widgets = definition('$NS.example.com', {
  plural: 'widgets',
  singular: 'widget',
  kind: 'Widget',
});
export const widget = { ...gadget, apiVersion: '$NS.example.com/v1', kind: 'Widget' };

function definition(group: string, names: { readonly plural: string; readonly [field: string]: unknown }) {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names,
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
          },
          additionalPrinterColumns: [
            { name: 'Colour', type: 'string', jsonPath: '.spec.colour' },
            { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: 'A thing to sell.',
              properties: {
                spec: {
                  type: 'object',
                  description: 'What is wanted.',
                  required: ['colour'],
                  properties: {
                    colour: { type: 'string', description: 'Paint.', enum: ['red', 'green', 'blue'] },
                    replicas: { type: 'integer', default: 1, minimum: 0 },
                  },
                },
                status: {
                  type: 'object',
                  properties: { replicas: { type: 'integer' }, phase: { type: 'string' } },
                },
              },
            },
          },
        },
      ],
    },
  };
}

/** `base` with these fields of one of its parts changed. */
export function having<T extends object, K extends keyof T>(base: T, part: K, fields: object): T {
  return { ...base, [part]: { ...base[part], ...fields } };
}

export const apply = (object: object, ...flags: string[]): Command => ({
  run: ['apply', ...flags, '-f', '-'],
  stdin: object,
});
