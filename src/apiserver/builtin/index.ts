import type { JsonObject, StatusCause } from '../../api/index.js';
export type MutableObject = { [key: string]: unknown };
export interface KindStrategy {
  readonly group: string;
  readonly kind: string;
  applyDefaults?(object: MutableObject): void;
  prepareForCreate?(object: MutableObject): void;
  prepareForUpdate?(object: MutableObject, old: JsonObject): void;
  validate?(object: JsonObject): StatusCause[];
  validateUpdate?(object: JsonObject, old: JsonObject): StatusCause[];
  validateStatusUpdate?(object: JsonObject, old: JsonObject): StatusCause[];
  nameRule?: (name: string) => string[];
  allowUnconditionalUpdate?: boolean;
  allowCreateOnUpdate?: boolean;
  hasGeneration?: boolean;
  selectableFields?(object: JsonObject): Readonly<Record<string, string>>;
  gracePeriodSeconds?(object: JsonObject): number | undefined;
  warnings?(object: JsonObject): string[];
}
export function strategyFor(group: string, kind: string): KindStrategy {
  return { group, kind };
}
export function validateObjectMeta(
  _o: JsonObject,
  _x: { scope: string; nameRule?: (name: string) => string[] },
): StatusCause[] {
  return [];
}
export function validateObjectMetaUpdate(_n: JsonObject, _o: JsonObject): StatusCause[] {
  return [];
}
