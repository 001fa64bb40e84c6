/** Everything an object must satisfy before it is stored: metadata, the kind's rules, admission. */
import { invalid, type JsonObject, type StatusCause } from '../../api/index.js';
import { validateObjectMeta, validateObjectMetaUpdate } from '../builtin/index.js';
import { validateCustom } from '../crd/validate-custom.js';
import { type RequestContext, writesStatus } from './context.js';

function nameOf(object: JsonObject): string {
  return ((object.metadata as JsonObject | undefined)?.name as string | undefined) ?? '';
}

function refuse(ctx: RequestContext, object: JsonObject, causes: readonly StatusCause[]): void {
  if (causes.length > 0) throw invalid(ctx.resource.facts, nameOf(object), causes);
}

/** @throws ApiError Invalid with every cause found */
export function validateCreate(ctx: RequestContext, object: JsonObject): void {
  const { facts, strategy, builtin, schema } = ctx.resource;
  refuse(ctx, object, [
    ...validateObjectMeta(object, {
      scope: facts.scope,
      builtin: builtin && facts.group !== 'apiextensions.k8s.io',
      ...(strategy.nameRule ? { nameRule: strategy.nameRule } : {}),
    }),
    ...(builtin ? (strategy.validate?.(object) ?? []) : validateCustom(object, schema)),
  ]);
  ctx.warnings.push(...(strategy.warnings?.(object) ?? []));
}

/** @throws ApiError Invalid with every cause found */
export function validateUpdate(ctx: RequestContext, object: JsonObject, old: JsonObject): void {
  const { strategy, builtin, schema } = ctx.resource;
  const causes: StatusCause[] = [...validateObjectMetaUpdate(object, old)];
  if (!builtin) causes.push(...validateCustom(object, schema, old));
  else if (writesStatus(ctx.info.subresource))
    causes.push(...(strategy.validateStatusUpdate?.(object, old, ctx.info.subresource) ?? []));
  // What a binding may be has been checked; the rules of updates would refuse the very thing it is for.
  else if (ctx.info.subresource !== 'binding') {
    const update = strategy.validateUpdate?.(object, old, ctx.info.subresource) ?? [];
    const seen = new Set(update.map((c) => `${c.field} ${c.reason}`));
    causes.push(
      ...update,
      ...(strategy.validate?.(object) ?? []).filter((c) => !seen.has(`${c.field} ${c.reason}`)),
    );
  }
  refuse(ctx, object, causes);
  if (ctx.info.subresource === '') ctx.warnings.push(...(strategy.warnings?.(object) ?? []));
}
