/**
 * A new node takes no pods until somebody has found it ready and takes the taint away
 * (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#taintnodesbycondition): between its making and
 * its first report nobody knows what it can bear.
 */
import type { JsonObject } from '../../api/index.js';
import type { Node } from '../../api/kinds/core/v1.js';
import type { Given } from '../builtin/given.js';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.js';

const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const;

export class TaintNodesByCondition implements AdmissionPlugin {
  readonly name = 'TaintNodesByCondition';

  mutate({ operation, resource, subresource, object }: AdmissionAttributes): JsonObject | undefined {
    const { group, plural } = resource.facts;
    if (operation !== 'CREATE' || group !== '' || plural !== 'nodes' || subresource !== '' || !object)
      return undefined;
    const { spec } = object as Given<Node>;
    const taints = spec?.taints ?? [];
    if (taints.some(({ key, effect }) => key === taint.key && effect === taint.effect)) return undefined;
    return { ...object, spec: { ...spec, taints: [...taints, taint] } } as JsonObject;
  }
}
