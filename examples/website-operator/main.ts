/** The operator as it runs against any cluster: kubeconfig on a laptop, service account in a pod. */
import { Manager } from 'gyre';
import { Dns, InMemoryDns } from './dns.js';
import { WebsiteController } from './website.controller.js';

await Manager.create({ cluster: 'auto' }).provide(Dns, new InMemoryDns()).register(WebsiteController).run();
