/** The operator against any cluster: your kubeconfig on a laptop, the service account in a pod. */
import { Manager } from 'gyre';
import { TemplateKindController } from './template-kind.controller.js';

await Manager.create({ cluster: 'auto' }).register(TemplateKindController).run();
