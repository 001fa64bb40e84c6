/** What is particular about APIService: its name, its priorities, whom it believes, and that a local one is available. */
import { fieldError, FieldPath, type JsonObject, type StatusCause } from '../../api/index.js';
import type { APIService } from '../../api/kinds/apiregistration/v1.js';
import { given } from '../builtin/given.js';
import type { KindStrategy } from '../builtin/strategy.js';
import { apiServiceName, availableCondition, registrationGroup } from './objects.js';

const spec = FieldPath.of('spec');
const defaultPort = 443;

function between(at: FieldPath, value: number | undefined, most: number, what: string): StatusCause[] {
  const number = value ?? 0;
  return number > 0 && number <= most
    ? []
    : [fieldError.invalid(at, number, `must be positive and less than ${what}`)];
}

function checkService({
  service,
  caBundle,
  insecureSkipTLSVerify,
}: NonNullable<ReturnType<typeof specOf>>): StatusCause[] {
  const at = spec.child('service');
  const causes: StatusCause[] = [];
  if (!service) {
    if (caBundle)
      causes.push(
        fieldError.invalid(
          spec.child('caBundle'),
          `${caBundle.length} bytes`,
          'local APIServices may not have a caBundle',
        ),
      );
    if (insecureSkipTLSVerify)
      causes.push(
        fieldError.invalid(
          spec.child('insecureSkipTLSVerify'),
          true,
          'local APIServices may not have insecureSkipTLSVerify',
        ),
      );
    return causes;
  }
  if (!service.namespace) causes.push(fieldError.required(at.child('namespace'), ''));
  if (!service.name) causes.push(fieldError.required(at.child('name'), ''));
  const { port = defaultPort } = service;
  if (port < 1 || port > 65_535)
    causes.push(
      fieldError.invalid(at.child('port'), port, 'port is not valid: must be between 1 and 65535, inclusive'),
    );
  if (insecureSkipTLSVerify && caBundle)
    causes.push(
      fieldError.invalid(spec.child('insecureSkipTLSVerify'), true, 'may not be true if caBundle is present'),
    );
  return causes;
}

function specOf(object: JsonObject) {
  return given<APIService>(object).spec;
}

export const apiServiceStrategy: KindStrategy = {
  group: registrationGroup,
  kind: 'APIService',
  allowUnconditionalUpdate: false,
  // Not the rules of other names: that of the core group ends in a dot.
  nameRule: () => [],
  applyDefaults(object) {
    const { service } = (object.spec ?? {}) as { service?: { port?: number } };
    if (service) service.port ??= defaultPort;
  },
  prepareForCreate(object, { now }) {
    const local = (object.spec as { service?: object } | undefined)?.service === undefined;
    object.status = local
      ? {
          conditions: [
            availableCondition(true, 'Local', 'Local APIServices are always available', now) as object,
          ],
        }
      : {};
  },
  validate(object) {
    const { metadata } = given<APIService>(object);
    const { group = '', version = '', ...rest } = specOf(object) ?? {};
    const wanted = apiServiceName({ group, version });
    return [
      ...(metadata?.name === wanted
        ? []
        : [
            fieldError.invalid(
              FieldPath.of('metadata', 'name'),
              metadata?.name,
              `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`,
            ),
          ]),
      ...(version === '' ? [fieldError.required(spec.child('version'), '')] : []),
      ...between(spec.child('groupPriorityMinimum'), rest.groupPriorityMinimum, 20_000, '20000'),
      ...between(spec.child('versionPriority'), rest.versionPriority, 1000, '1000'),
      ...checkService({ group, version, ...rest }),
    ];
  },
};
