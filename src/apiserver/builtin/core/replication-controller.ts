/** ReplicationControllers: ReplicaSets with a plain map for a selector. */
import { FieldPath, fieldError, type StatusCause } from '../../../api/index.js';
import type { ReplicationController } from '../../../api/kinds/core/v1.js';
import { alwaysRestarted, templateMatches } from '../apps/template.js';
import { labels, nonNegative } from '../checks.js';
import { fillable, given } from '../given.js';
import { selects } from '../label-selector.js';
import { defaultPodTemplate } from '../pod-spec/defaults.js';
import { validatePodTemplate } from '../pod-spec/validate.js';
import type { KindStrategy } from '../strategy.js';

const path = FieldPath.of('spec');

export const replicationControllerStrategy: KindStrategy = {
  group: '',
  kind: 'ReplicationController',
  hasGeneration: true,
  applyDefaults(object) {
    const controller = fillable<ReplicationController>(object);
    const spec = (controller.spec ??= {});
    spec.replicas ??= 1;
    const own = spec.template?.metadata?.labels;
    if (own && Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...own };
    if (own && controller.metadata && Object.keys(controller.metadata.labels ?? {}).length === 0) {
      controller.metadata.labels = { ...own };
    }
    if (spec.template) defaultPodTemplate(spec.template);
  },
  prepareForCreate(object) {
    object.status = { replicas: 0 };
  },
  validate(object) {
    const { spec = {} } = given<ReplicationController>(object);
    const causes: StatusCause[] = [
      ...nonNegative(path.child('minReadySeconds'), spec.minReadySeconds),
      ...labels(path.child('selector'), spec.selector),
    ];
    if (Object.keys(spec.selector ?? {}).length === 0)
      causes.push(fieldError.required(path.child('selector')));
    causes.push(...nonNegative(path.child('replicas'), spec.replicas));
    const at = path.child('template');
    if (!spec.template) return [...causes, fieldError.required(at)];
    const matches = selects({ matchLabels: spec.selector ?? {} }, spec.template.metadata?.labels);
    return [
      ...causes,
      ...templateMatches(at, spec.template, matches),
      ...validatePodTemplate(at, spec.template),
      ...alwaysRestarted(at, spec.template, 'ReplicationController'),
    ];
  },
  selectableFields: (object) => ({
    'status.replicas': String(given<ReplicationController>(object).status?.replicas ?? 0),
  }),
};
