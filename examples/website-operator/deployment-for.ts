import type { Input } from 'gyre';
import type { Deployment } from 'gyre/kinds';
import type { Website } from './website.js';

/** The Deployment that serves a website. */
export function deploymentFor(site: Website): Input<Deployment> {
  const labels = { 'app.kubernetes.io/name': site.metadata.name };
  return {
    metadata: { name: site.metadata.name, labels },
    spec: {
      replicas: site.spec.replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'web', image: site.spec.image, ports: [{ containerPort: 8080 }] }] },
      },
    },
  };
}
