/** An Event as the core group and as events.k8s.io have it: one object, fields of other names. */
import type { JsonObject } from '../../../api/index.js';

/** The core group's names, and those of events.k8s.io. */
const names: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];
const toEvents = new Map(names);
const toCore = new Map(names.map(([core, events]) => [events, core]));

export function convertEvent(object: JsonObject, apiVersion: string): JsonObject {
  const renamed = apiVersion === 'v1' ? toCore : toEvents;
  const entries = Object.entries(object).map(([field, value]) => [renamed.get(field) ?? field, value]);
  return { ...Object.fromEntries(entries), apiVersion };
}
