/** How labels, selectors, lists and containers are written into a cell. */
import type { Container } from '../../api/kinds/core/v1.js';
import type { LabelSelector } from '../../api/kinds/meta/v1.js';
import type { Given } from '../builtin/given.js';
import type { Column } from './column.js';

export const none = '<none>';
export const unset = '<unset>';
export const unknown = '<unknown>';

/** The text, or `<none>` where it is missing or empty. */
export function orNone(text: string | undefined): string {
  return text ? text : none;
}

/** `a=1,b=2` by key, or `<none>`. */
export function labelsText(labels: Readonly<Record<string, string | undefined>> | undefined): string {
  const pairs = Object.keys(labels ?? {})
    .sort()
    .map((key) => `${key}=${labels?.[key] ?? ''}`);
  return orNone(pairs.join(','));
}

/** A label selector as a query, requirements by key; `<none>` for an empty or absent one. */
export function selectorText(selector: Given<LabelSelector> | undefined): string {
  const requirements: [string, string][] = [];
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {}))
    requirements.push([key, `${key}=${value}`]);
  for (const { key = '', operator, values = [] } of selector?.matchExpressions ?? []) {
    const list = `(${[...values].sort().join(',')})`;
    switch (operator) {
      case 'In':
        requirements.push([key, `${key} in ${list}`]);
        break;
      case 'NotIn':
        requirements.push([key, `${key} notin ${list}`]);
        break;
      case 'Exists':
        requirements.push([key, key]);
        break;
      case 'DoesNotExist':
        requirements.push([key, `!${key}`]);
        break;
      default:
        return '<error>';
    }
  }
  requirements.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return orNone(requirements.map(([, text]) => text).join(','));
}

/** The first `max` items; what is left out is counted, of `total` in all. */
export function firstOf(items: readonly string[], total: number, max: number, separator = ','): string {
  const text = items.slice(0, max).join(separator);
  return total > max ? `${text} + ${total - max} more...` : text;
}

type Containers = readonly Given<Container>[] | undefined;

/** The wide columns Containers and Images of kinds with a pod template. */
export function containerColumns<T>(containersOf: (object: T) => Containers): readonly Column<T>[] {
  return [
    {
      name: 'Containers',
      wide: true,
      description: 'The names of the containers in the template.',
      cell: (object) => (containersOf(object) ?? []).map((c) => c.name ?? '').join(','),
    },
    {
      name: 'Images',
      wide: true,
      description: 'The images the containers run.',
      cell: (object) => (containersOf(object) ?? []).map((c) => c.image ?? '').join(','),
    },
  ];
}
