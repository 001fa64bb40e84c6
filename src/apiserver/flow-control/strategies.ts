/** Defaults and rules of FlowSchema and PriorityLevelConfiguration. */
import {
  deepEqualJson,
  fieldError,
  FieldPath,
  type JsonObject,
  type JsonValue,
  type StatusCause,
} from '../../api/index.js';
import type { FlowSchema, PriorityLevelConfiguration, Subject } from '../../api/kinds/flowcontrol/v1.js';
import { oneOf, required } from '../builtin/checks.js';
import { fillable, type Given, given } from '../builtin/given.js';
import type { KindStrategy } from '../builtin/strategy.js';
import { defaultPrecedence } from './classify.js';
import { flowGroup, mandatoryLevels, mandatorySchemas } from './objects.js';

const path = FieldPath.of('spec');
const maxPrecedence = 10_000;

type GivenSubject = Given<Subject>;

function checkSubject(at: FieldPath, { kind, user, group, serviceAccount }: GivenSubject): StatusCause[] {
  const given = { User: user, Group: group, ServiceAccount: serviceAccount };
  const causes = oneOf(at.child('kind'), kind ?? '', Object.keys(given));
  if (causes.length > 0) return causes;
  const fields = { User: 'user', Group: 'group', ServiceAccount: 'serviceAccount' } as const;
  return Object.entries(fields).flatMap(([each, field]) => {
    const here = at.child(field);
    const subject = given[each as keyof typeof given];
    if (each !== kind)
      return subject
        ? [fieldError.forbidden(here, `${field} is forbidden when subject kind is not '${each}'`)]
        : [];
    if (!subject) return [fieldError.required(here, `${field} is required when subject kind is '${each}'`)];
    return [
      ...required(here.child('name'), subject.name),
      ...(field === 'serviceAccount' ? required(here.child('namespace'), serviceAccount?.namespace) : []),
    ];
  });
}

/** At least one, and where `*` is one, it is the only one. */
function checkList(at: FieldPath, list: readonly (string | undefined)[] | undefined): StatusCause[] {
  if (!list?.length) return [fieldError.required(at)];
  if (list.includes('*') && list.length > 1)
    return [fieldError.invalid(at, list, "if '*' is present, must not specify other values")];
  return [];
}

function checkRules(spec: NonNullable<Given<FlowSchema>['spec']>): StatusCause[] {
  return (spec.rules ?? []).flatMap((rule, i) => {
    const at = path.child('rules').index(i);
    const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
    const causes: StatusCause[] =
      subjects.length === 0
        ? [fieldError.required(at.child('subjects'), 'subjects must contain at least one value')]
        : subjects.flatMap((subject, n) => checkSubject(at.child('subjects').index(n), subject));
    if (resourceRules.length === 0 && nonResourceRules.length === 0)
      causes.push(
        fieldError.required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty'),
      );
    for (const [n, each] of resourceRules.entries()) {
      const here = at.child('resourceRules').index(n);
      causes.push(
        ...checkList(here.child('verbs'), each.verbs),
        ...checkList(here.child('apiGroups'), each.apiGroups),
        ...checkList(here.child('resources'), each.resources),
      );
      if (!each.namespaces?.length && !each.clusterScope)
        causes.push(
          fieldError.required(
            here.child('namespaces'),
            'resource rules that are not cluster scoped must supply at least one namespace',
          ),
        );
    }
    for (const [n, each] of nonResourceRules.entries()) {
      const here = at.child('nonResourceRules').index(n);
      causes.push(
        ...checkList(here.child('verbs'), each.verbs),
        ...checkList(here.child('nonResourceURLs'), each.nonResourceURLs),
      );
    }
    return causes;
  });
}

/** The mandatory ones stay what they are. */
function checkMandatory(object: JsonObject, mandatory: Readonly<Record<string, object>>): StatusCause[] {
  const { name = '' } = (object.metadata ?? {}) as { readonly name?: string };
  const spec = Object.hasOwn(mandatory, name) ? mandatory[name] : undefined;
  if (!spec || deepEqualJson((object.spec ?? null) as JsonValue, spec as unknown as JsonValue)) return [];
  return [fieldError.invalid(path, object.spec, `spec of '${name}' must equal the fixed value`)];
}

const flowSchemaStrategy: KindStrategy = {
  group: flowGroup,
  kind: 'FlowSchema',
  hasGeneration: true,
  applyDefaults(object) {
    const { spec } = fillable<FlowSchema>(object);
    if (spec) spec.matchingPrecedence ||= defaultPrecedence;
  },
  validate(object) {
    const { metadata, spec = {} } = given<FlowSchema>(object);
    const precedence = spec.matchingPrecedence ?? defaultPrecedence;
    const at = path.child('matchingPrecedence');
    const causes: StatusCause[] = [];
    if (precedence <= 0) causes.push(fieldError.invalid(at, precedence, 'must be a positive value'));
    if (precedence > maxPrecedence)
      causes.push(fieldError.invalid(at, precedence, `must not be greater than ${maxPrecedence}`));
    if (precedence === 1 && metadata?.name !== 'exempt')
      causes.push(
        fieldError.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"),
      );
    return [
      ...causes,
      ...(spec.distinguisherMethod
        ? oneOf(path.child('distinguisherMethod').child('type'), spec.distinguisherMethod.type ?? '', [
            'ByNamespace',
            'ByUser',
          ])
        : []),
      ...required(
        path.child('priorityLevelConfiguration').child('name'),
        spec.priorityLevelConfiguration?.name,
      ),
      ...checkRules(spec),
      ...checkMandatory(object, mandatorySchemas),
    ];
  },
};

function checkLimited(
  limited: NonNullable<NonNullable<Given<PriorityLevelConfiguration>['spec']>['limited']>,
): StatusCause[] {
  const at = path.child('limited');
  const {
    nominalConcurrencyShares: shares = 0,
    lendablePercent = 0,
    borrowingLimitPercent: borrows,
  } = limited;
  const causes: StatusCause[] = [];
  if (shares < 0)
    causes.push(
      fieldError.invalid(at.child('nominalConcurrencyShares'), shares, 'must be a non-negative integer'),
    );
  if (lendablePercent < 0 || lendablePercent > 100)
    causes.push(
      fieldError.invalid(
        at.child('lendablePercent'),
        lendablePercent,
        'must be between 0 and 100, inclusive',
      ),
    );
  if (borrows !== undefined && borrows < 0)
    causes.push(
      fieldError.invalid(
        at.child('borrowingLimitPercent'),
        borrows,
        'if specified, must be a non-negative integer',
      ),
    );
  const response = at.child('limitResponse');
  const { type = '', queuing } = limited.limitResponse ?? {};
  causes.push(...oneOf(response.child('type'), type, ['Queue', 'Reject']));
  if (type === 'Reject' && queuing)
    causes.push(
      fieldError.forbidden(
        response.child('queuing'),
        "must be nil if limited.limitResponse.type is not 'Limited'",
      ),
    );
  if (type === 'Queue' && queuing) causes.push(...checkQueuing(response.child('queuing'), queuing));
  return causes;
}

function checkQueuing(
  at: FieldPath,
  {
    queues = 0,
    handSize = 0,
    queueLengthLimit = 0,
  }: { queues?: number; handSize?: number; queueLengthLimit?: number },
): StatusCause[] {
  const causes: StatusCause[] = [];
  if (queueLengthLimit <= 0)
    causes.push(fieldError.invalid(at.child('queueLengthLimit'), queueLengthLimit, 'must be positive'));
  if (queues <= 0) causes.push(fieldError.invalid(at.child('queues'), queues, 'must be positive'));
  if (handSize <= 0) causes.push(fieldError.invalid(at.child('handSize'), handSize, 'must be positive'));
  else if (handSize > queues)
    causes.push(
      fieldError.invalid(at.child('handSize'), handSize, `should not be greater than queues (${queues})`),
    );
  return causes;
}

const priorityLevelStrategy: KindStrategy = {
  group: flowGroup,
  kind: 'PriorityLevelConfiguration',
  hasGeneration: true,
  applyDefaults(object) {
    const { spec } = fillable<PriorityLevelConfiguration>(object);
    const { exempt, limited } = spec ?? {};
    if (exempt) {
      exempt.nominalConcurrencyShares ??= 0;
      exempt.lendablePercent ??= 0;
    }
    if (!limited) return;
    limited.nominalConcurrencyShares ??= 30;
    limited.lendablePercent ??= 0;
    const { queuing } = limited.limitResponse ?? {};
    if (!queuing) return;
    queuing.queues ||= 64;
    queuing.handSize ||= 8;
    queuing.queueLengthLimit ||= 50;
  },
  validate(object) {
    const { metadata, spec = {} } = given<PriorityLevelConfiguration>(object);
    const { type = '', limited, exempt } = spec;
    const causes = oneOf(path.child('type'), type, ['Exempt', 'Limited']);
    if (causes.length > 0) return causes;
    if (type === 'Limited') {
      if (exempt)
        causes.push(fieldError.forbidden(path.child('exempt'), 'must be nil if the type is Limited'));
      if (limited) causes.push(...checkLimited(limited));
      else causes.push(fieldError.required(path.child('limited'), 'must not be empty when type is Limited'));
    } else {
      if (limited)
        causes.push(fieldError.forbidden(path.child('limited'), 'must be nil if the type is not Limited'));
      if (metadata?.name !== 'exempt')
        causes.push(
          fieldError.invalid(path.child('type'), type, "must be 'Limited' unless the name is 'exempt'"),
        );
    }
    // Of the exempt level the shares are everybody's to choose.
    const fixed = { 'catch-all': mandatoryLevels['catch-all'] as object };
    return [...causes, ...checkMandatory(object, fixed)];
  },
};

export const flowStrategies: readonly KindStrategy[] = [flowSchemaStrategy, priorityLevelStrategy];
