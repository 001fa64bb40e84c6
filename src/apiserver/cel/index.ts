/**
 * The Common Expression Language as Kubernetes 1.32 speaks it.
 *
 * An `Environment` knows variables and their types; it compiles an expression once, finding everything that is wrong
 * with it and estimating the most it can cost. A `Program` runs within a budget and never throws: an error is a value.
 */
export { func, method, type Overload } from './functions.js';
export { AuthorizerValue, ResourceCheck } from './library/authorizer.js';
export { type MessageType, type MessageTypes, MessageValue } from './messages.js';
export {
  type CompileFailure,
  Environment,
  type EnvironmentOptions,
  isProgram,
  type Outcome,
  perCallLimit,
  Program,
} from './program.js';
export { celType, celValue, escapeProperty, maxRequestSize, minJsonSize } from './schema-types.js';
export { toJson } from './to-json.js';
export {
  bool,
  type CelType,
  dyn,
  int,
  listOf,
  mapOf,
  nullType,
  objectType,
  openObjectType,
  optionalOf,
  readType,
  string,
} from './types.js';
export { CelError, fromJson, ListValue, MapValue, OptionalValue, type Value } from './values.js';
