/** The query parameters of resource requests, checked as Kubernetes checks them (API-1, API-2). */
import {
  badRequest,
  FieldPath,
  type FieldSelector,
  fieldError,
  invalid,
  type JsonObject,
  type LabelSelector,
  parseFieldSelector,
  parseLabelSelector,
  type StatusCause,
} from '../../api/index.js';
import { queryFlag } from './query-flag.js';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteQuery {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly force: boolean;
}

export interface ListQuery {
  readonly labelSelector: LabelSelector;
  readonly fieldSelector: FieldSelector;
  readonly limit: number;
  readonly continueToken: string;
  /** `''`, `'0'` or a decimal number. */
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly sendInitialEvents: boolean | undefined;
  readonly allowWatchBookmarks: boolean;
  /** Seconds; undefined when not given. */
  readonly timeoutSeconds: number | undefined;
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d{1,19}$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Number(text);
}

/** What a field manager may be called when the client names none: the program in its user agent. */
function defaultManager(userAgent: string | undefined): string {
  const program = (userAgent ?? '').split('/')[0]?.split(' ')[0] ?? '';
  return program.slice(0, 128) || 'unknown';
}

/** @throws ApiError Invalid naming `optionsKind`, e.g. `CreateOptions` */
export function writeQuery(
  query: URLSearchParams,
  userAgent: string | undefined,
  optionsKind: string,
): WriteQuery {
  const causes: StatusCause[] = [];
  const dryRuns = query.getAll('dryRun');
  for (const value of dryRuns) {
    if (value !== 'All') causes.push(fieldError.notSupported(FieldPath.of('dryRun'), dryRuns, ['All']));
  }
  const fieldManager = query.get('fieldManager') ?? '';
  if (fieldManager.length > 128) {
    causes.push(fieldError.tooLong(FieldPath.of('fieldManager'), 128));
  }
  for (const char of fieldManager) {
    if (/\p{C}/u.test(char)) {
      causes.push(
        fieldError.invalid(
          FieldPath.of('fieldManager'),
          fieldManager,
          'should only contain printable characters',
        ),
      );
      break;
    }
  }
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(fieldValidation)) {
    causes.push(
      fieldError.notSupported(FieldPath.of('fieldValidation'), fieldValidation, [
        '',
        'Ignore',
        'Warn',
        'Strict',
      ]),
    );
  }
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: optionsKind }, '', causes);
  return {
    dryRun: dryRuns.length > 0,
    fieldManager: fieldManager === '' ? defaultManager(userAgent) : fieldManager,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as FieldValidation),
    force: queryFlag(query, 'force') ?? false,
  };
}

/** The options of a write as an object, as admission sees them. */
export function writeOptions(kind: 'CreateOptions' | 'UpdateOptions', query: URLSearchParams): JsonObject {
  const text = (name: string): JsonObject => (query.get(name) ? { [name]: query.get(name) as string } : {});
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...(query.has('dryRun') ? { dryRun: query.getAll('dryRun') } : {}),
    ...text('fieldManager'),
    ...text('fieldValidation'),
  };
}

/** @throws ApiError Invalid `ListOptions.meta.k8s.io`, or BadRequest for selectors and numbers */
export function listQuery(query: URLSearchParams, watch: boolean): ListQuery {
  const result: ListQuery = {
    labelSelector: parseLabelSelector(query.get('labelSelector') ?? ''),
    fieldSelector: parseFieldSelector(query.get('fieldSelector') ?? ''),
    limit: Math.max(0, integer(query, 'limit') ?? 0),
    continueToken: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    sendInitialEvents: queryFlag(query, 'sendInitialEvents'),
    allowWatchBookmarks: queryFlag(query, 'allowWatchBookmarks') ?? false,
    timeoutSeconds: integer(query, 'timeoutSeconds'),
  };
  const causes = watch ? watchCauses(result) : listCauses(result);
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', causes);
  checkVersionSyntax(result.resourceVersion);
  if (!watch && result.continueToken !== '' && !['', '0'].includes(result.resourceVersion)) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return result;
}

/** @throws ApiError BadRequest unless it is `''` or a decimal number */
export function checkVersionSyntax(resourceVersion: string): void {
  if (resourceVersion === '' || /^\d+$/.test(resourceVersion)) return;
  const text = JSON.stringify(resourceVersion);
  throw badRequest(
    `invalid resource version: resourceVersion: Invalid value: ${text}: strconv.ParseUint: parsing ${text}: invalid syntax`,
  );
}

const matchPath = FieldPath.of('resourceVersionMatch');

function listCauses(q: ListQuery): StatusCause[] {
  const causes: StatusCause[] = [];
  if (q.sendInitialEvents !== undefined) {
    causes.push(
      fieldError.forbidden(FieldPath.of('sendInitialEvents'), 'sendInitialEvents is forbidden for list'),
    );
  }
  if (q.resourceVersionMatch === '') return causes;
  if (q.continueToken !== '') {
    causes.push(
      fieldError.forbidden(matchPath, 'resourceVersionMatch is forbidden when continue is provided'),
    );
  }
  if (q.resourceVersion === '') {
    causes.push(
      fieldError.forbidden(matchPath, 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
    );
  }
  if (!['Exact', 'NotOlderThan'].includes(q.resourceVersionMatch)) {
    causes.push(fieldError.notSupported(matchPath, q.resourceVersionMatch, ['Exact', 'NotOlderThan', '']));
  } else if (q.resourceVersionMatch === 'Exact' && q.resourceVersion === '0') {
    causes.push(
      fieldError.forbidden(matchPath, 'resourceVersionMatch "Exact" is forbidden for resourceVersion "0"'),
    );
  }
  return causes;
}

function watchCauses(q: ListQuery): StatusCause[] {
  const causes: StatusCause[] = [];
  if (q.sendInitialEvents === undefined) {
    if (q.resourceVersionMatch !== '') {
      causes.push(
        fieldError.forbidden(
          matchPath,
          'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ),
      );
    }
    return causes;
  }
  if (q.resourceVersionMatch === '') {
    causes.push(
      fieldError.forbidden(
        matchPath,
        'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
      ),
    );
  } else if (q.resourceVersionMatch !== 'NotOlderThan') {
    causes.push(fieldError.notSupported(matchPath, q.resourceVersionMatch, ['NotOlderThan']));
  }
  if (q.continueToken !== '') {
    causes.push(
      fieldError.forbidden(
        FieldPath.of('continue'),
        'continue is forbidden when sendInitialEvents is provided',
      ),
    );
  }
  return causes;
}
