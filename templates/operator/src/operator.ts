import { type ClusterTarget, Manager } from 'gyre';
import { TemplateKindController } from './template-kind.controller.js';

/** The operator, for whichever cluster: everything it consists of is put together here. */
export function operator(cluster: ClusterTarget): Manager {
  return Manager.create({ cluster }).register(TemplateKindController);
}
