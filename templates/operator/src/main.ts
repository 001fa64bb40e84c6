/** The operator against any cluster: your kubeconfig on a laptop, the service account in a pod. */
import { operator } from './operator.js';

await operator('auto').run();
