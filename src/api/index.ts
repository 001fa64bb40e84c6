/**
 * The object model and the seams between floors. Pure: no I/O, no timers, safe in a browser.
 */
export { atomicFields, undeclaredFields } from './apply/applicable.js';
export { type Comparison, compareFields } from './apply/compare.js';
export { FieldSet } from './apply/field-set.js';
export { fieldsOf, fieldsOfNew } from './apply/fields-of.js';
export { mergeConfiguration } from './apply/merge.js';
export {
  type ApplyInput,
  applyServerSide,
  trackUpdate,
  type UpdateInput,
} from './apply/server-side-apply.js';
export * from './clock.js';
export * from './errors.js';
export * from './field-error.js';
export {
  copyJson,
  deepEqualJson,
  deepFreeze,
  type ParsedJson,
  parseJsonStrict,
  extended,
  setOwn,
} from './json.js';
export * from './kind.js';
export * from './names.js';
export * from './objects.js';
export { applyJsonPatch, type JsonPatchOutcome, tryJsonPatch } from './patch/json-patch.js';
export { applyMergePatch, mergePatchBetween } from './patch/merge-patch.js';
export { applyStrategicMergePatch } from './patch/strategic-merge.js';
export * from './quantity.js';
export * from './quota.js';
export * from './random.js';
export { Regexp, type StepMeter } from './regexp/machine.js';
export * from './regexp/pattern.js';
export * from './resource-version.js';
export { correlate } from './schema/correlate.js';
export { decodeErrors } from './schema/decode.js';
export { applyDefaults } from './schema/defaults.js';
export { dropEmpty } from './schema/empty.js';
export { type ZeroFiller, zeroFiller } from './schema/zeroes.js';
export { type CompiledPattern, compilePattern } from './schema/pattern.js';
export { prune, unknownFields } from './schema/prune.js';
export type * from './schema/schema.js';
export { structuralErrors } from './schema/structural.js';
export { validateSchema, validateSchemaUpdate } from './schema/validate.js';
export { type FieldRequirement, FieldSelector, parseFieldSelector } from './selectors/field.js';
export {
  compileLabelSelector,
  everything,
  type LabelOperator,
  type LabelRequirement,
  LabelSelector,
  type LabelSelectorObject,
  parseLabelSelector,
} from './selectors/label.js';
export * from './status.js';
export type * from './node-connector.js';
export type * from './transport.js';
export * from './webhook-dialer.js';
