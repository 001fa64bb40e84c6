/** What is measured. Bars and goals: the project's performance targets. */
import type { Benchmark } from './harness.js';
import type { PodShape } from './pods.js';

function informerSync(pods: number, shape: PodShape): Benchmark {
  // Pods that repeat less than those the bars were measured with have the bar of plain ones.
  const memory =
    shape === 'managed' || shape === 'big' ? { bar: 0.15, goal: 0.12 } : { bar: 0.3, goal: 0.25 };
  const time = shape === 'managed' || shape === 'big' ? 1 / 3 : 1 / 2.5;
  // The peer reads the whole list into one string, which cannot be that long.
  const peer = shape === 'big' && pods > 50_000 ? 'parse-loop' : 'client-node';
  const about = peer === 'parse-loop' ? 'a loop of JSON.parse into a Map' : '@kubernetes/client-node 1.4.0';
  return {
    name: `informer-sync-${shape}-${pods}`,
    about: `an informer of ${pods} ${shape} pods, from start to ready, beside ${about}; one stub server over plain HTTP`,
    metrics: [
      { name: 'readyMs', unit: 'ms', better: 'lower', bar: peer === 'parse-loop' ? 1.1 : time, goal: 0.25 },
      // Of fewer pods Node itself is the greater part.
      ...(pods < 10_000 ? [] : [{ name: 'bytesPerPod', unit: 'B', better: 'lower', ...memory } as const]),
      ...(pods < 100_000
        ? []
        : [{ name: 'peakRssMiB', unit: 'MiB', better: 'lower', bar: 0.3, goal: 0.17 } as const]),
    ],
    subject: ['informer', 'gyre', String(pods), shape],
    peer: ['informer', peer, String(pods), shape],
    needsPeers: peer === 'client-node',
  };
}

function informerEvents(shape: PodShape, peer: 'client-node' | 'parse-loop'): Benchmark {
  const about =
    peer === 'parse-loop' ? 'a bare loop of JSON.parse into a Map' : '@kubernetes/client-node 1.4.0';
  return {
    name: `informer-events-${shape}-${peer}`,
    about: `50,000 modifications of 10,000 ${shape} pods, in no order, over one watch, beside ${about}`,
    metrics: [{ name: 'eventsPerSecond', unit: 'events/s', better: 'higher', bar: 0.85, goal: 3 }],
    subject: ['events', 'gyre', '10000', shape, '50000'],
    peer: ['events', peer, '10000', shape, '50000'],
    needsPeers: peer === 'client-node',
  };
}

function start(name: string, about: string, args: readonly string[]): Benchmark {
  return {
    name,
    about: `gyre up ${args.join(' ')}: from process start to ready, ${about}, beside node -e 0`,
    metrics: [{ name: 'readyMs', unit: 'ms', better: 'lower', bar: 15, goal: 3 }],
    subject: ['start', 'gyre', ...args],
    peer: ['start', 'node'],
    needsPeers: false,
  };
}

function rollout(store: 'memory' | 'embedded'): Benchmark {
  return {
    name: `rollout-${store}`,
    about: `200 simulated nodes, 5,000 pods, then a rollout of 1,000 replicas, ${store} store; beside the 20 writes/s of the usual controller manager`,
    metrics: [
      { name: 'podsPerSecond', unit: 'pods/s', better: 'higher', bar: 14.4, goal: 48 },
      { name: 'rolloutSeconds', unit: 's', better: 'lower', bar: 0.07, goal: 0.02 },
      { name: 'peakRssMiB', unit: 'MiB', better: 'lower', bar: 3, goal: 1 },
      { name: 'longestStallMs', unit: 'ms', better: 'lower', bar: 5, goal: 1 },
    ],
    subject: ['rollout', store],
    peer: ['rollout', 'limit'],
    needsPeers: false,
  };
}

function reconcile(over: 'in-process' | 'https'): Benchmark {
  return {
    name: `reconcile-${over}`,
    about: `2,000 reconciles with a cache read and one status patch each, 8 at once, ${over}; beside the bare loop of patches`,
    metrics: [{ name: 'reconcilesPerSecond', unit: '1/s', better: 'higher', bar: 0.8, goal: 0.95 }],
    subject: ['reconcile', 'gyre', over],
    peer: ['reconcile', 'bare', over],
    needsPeers: false,
  };
}

function creates(clients: number): Benchmark {
  return {
    name: `create-${clients}`,
    about: `creates of ConfigMaps on the durable store by ${clients} clients over HTTPS, beside a node:https that parses and echoes them`,
    metrics: [{ name: 'createsPerSecond', unit: '1/s', better: 'higher', bar: 0.3, goal: 0.65 }],
    subject: ['create', 'gyre', String(clients)],
    peer: ['create', 'echo', String(clients)],
    needsPeers: false,
  };
}

function updates(clients: number): Benchmark {
  return {
    name: `update-${clients}`,
    about: `updates of ConfigMaps on the durable store by ${clients} clients over HTTPS, beside a node:https that parses and echoes them`,
    metrics: [{ name: 'updatesPerSecond', unit: '1/s', better: 'higher', bar: 0.3, goal: 0.65 }],
    subject: ['update', 'gyre', String(clients)],
    peer: ['update', 'echo', String(clients)],
    needsPeers: false,
  };
}

function createsBesideEtcd(clients: number, mode: 'synced' | 'tls'): Benchmark {
  const how = mode === 'tls' ? 'encrypted as well' : 'in clear text';
  return {
    name: `create-etcd-${mode === 'tls' ? 'tls-' : ''}${clients}`,
    about: `creates of ConfigMaps on the durable store by ${clients} clients over HTTPS, beside bare transactions on etcd, ${how}, both synced to the disk`,
    // One client waits for the disk, here and there.
    metrics: [
      { name: 'createsPerSecond', unit: '1/s', better: 'higher', bar: clients === 1 ? 0.8 : 1.5, goal: 3 },
    ],
    subject: ['create', 'gyre', String(clients)],
    peer: ['etcd', 'gyre', String(clients), mode],
    needsPeers: false,
    needsEtcd: true,
  };
}

function createsInProcessBesideEtcd(clients: number): Benchmark {
  return {
    name: `create-in-process-etcd-${clients}`,
    about: `creates of ConfigMaps on the durable store by ${clients} callers in the server's process, beside bare transactions on etcd, both synced to the disk`,
    metrics: [{ name: 'createsPerSecond', unit: '1/s', better: 'higher', bar: 1.5, goal: 3 }],
    subject: ['create-in-process', 'gyre', String(clients)],
    peer: ['etcd', 'gyre', String(clients), 'synced'],
    needsPeers: false,
    needsEtcd: true,
  };
}

function etcdDriver(clients: number): Benchmark {
  return {
    name: `etcd-driver-${clients}`,
    about: `transactions of our driver on etcd by ${clients} callers, beside those of the etcd3 package`,
    metrics: [{ name: 'createsPerSecond', unit: '1/s', better: 'higher', bar: 1.2, goal: 2 }],
    subject: ['etcd', 'gyre', String(clients), 'unsynced'],
    peer: ['etcd', 'etcd3', String(clients), 'unsynced'],
    needsPeers: true,
    needsEtcd: true,
  };
}

function lists(pods: number, shape: PodShape): Benchmark {
  return {
    name: `list-${shape}-${pods}`,
    about: `lists of ${pods} ${shape} pods over HTTPS, beside a node:https that sends such bytes; memory beside 32 MiB`,
    metrics: [
      { name: 'objectsPerSecond', unit: 'objects/s', better: 'higher', bar: 0.7, goal: 0.95 },
      { name: 'rssDeltaMiB', unit: 'MiB', better: 'lower', bar: 4, goal: 1 },
    ],
    subject: ['list', 'gyre', String(pods), shape],
    peer: ['list', 'bytes', String(pods), shape],
    needsPeers: false,
  };
}

function fanOut(watchers: number): Benchmark {
  return {
    name: `watch-fanout-${watchers}`,
    about: `creates told to ${watchers} watchers over HTTPS, beside a node:https that encodes each once and sends it to all`,
    metrics: [{ name: 'deliveriesPerSecond', unit: '1/s', better: 'higher', bar: 0.7, goal: 1 }],
    subject: ['fanout', 'gyre', String(watchers)],
    peer: ['fanout', 'limit', String(watchers)],
    needsPeers: false,
  };
}

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'workqueue',
    about: 'add, get and done of a key, beside a bare Set and array',
    metrics: [{ name: 'opsPerSecond', unit: 'ops/s', better: 'higher', bar: 0.3, goal: 0.8 }],
    subject: ['workqueue', 'gyre'],
    peer: ['workqueue', 'bare'],
    needsPeers: false,
  },
  reconcile('in-process'),
  reconcile('https'),
  {
    name: 'import',
    about: "import 'gyre', over a bare node process, beside 250 ms and 35 MiB",
    metrics: [
      { name: 'importMs', unit: 'ms', better: 'lower', bar: 1, goal: 0.5 },
      { name: 'rssMiB', unit: 'MiB', better: 'lower', bar: 1, goal: 0.5 },
    ],
    subject: ['import', 'gyre'],
    peer: ['import', 'limit'],
    needsPeers: false,
  },
  {
    name: 'start-in-process',
    about:
      'an API server in a process that has imported it: in process beside 20 ms, behind HTTPS beside 300 ms',
    metrics: [
      { name: 'inProcessMs', unit: 'ms', better: 'lower', bar: 1, goal: 0.5 },
      { name: 'httpsMs', unit: 'ms', better: 'lower', bar: 1, goal: 0.4 },
    ],
    subject: ['start-in-process', 'gyre'],
    peer: ['start-in-process', 'limit'],
    needsPeers: false,
  },
  start('start', 'the whole cluster on simulated nodes', ['--runtime', 'simulated']),
  start('start-api', 'the API server alone', ['--no-controllers']),
  {
    name: 'start-envtest',
    about: "envtest's kube-apiserver: from process start to a healthy answer over HTTPS, beside node -e 0",
    metrics: [{ name: 'readyMs', unit: 'ms', better: 'lower', bar: 15, goal: 3 }],
    subject: ['start-envtest', 'gyre'],
    peer: ['start', 'node'],
    needsPeers: false,
  },
  rollout('memory'),
  creates(32),
  creates(256),
  updates(32),
  createsBesideEtcd(1, 'synced'),
  createsBesideEtcd(32, 'synced'),
  createsBesideEtcd(256, 'synced'),
  createsBesideEtcd(32, 'tls'),
  createsBesideEtcd(256, 'tls'),
  createsInProcessBesideEtcd(32),
  createsInProcessBesideEtcd(256),
  etcdDriver(1),
  etcdDriver(32),
  etcdDriver(256),
  {
    name: 'get',
    about: 'gets of a pod by 32 clients over HTTPS, beside a node:https that sends such bytes',
    metrics: [{ name: 'getsPerSecond', unit: '1/s', better: 'higher', bar: 0.7, goal: 0.95 }],
    subject: ['get', 'gyre'],
    peer: ['get', 'bytes'],
    needsPeers: false,
  },
  lists(10_000, 'plain'),
  fanOut(1),
  fanOut(100),
  fanOut(1_000),
  {
    name: 'watch-selected',
    about: 'creates of pods in process while 5,000 watch one node each, beside the same with nobody watching',
    metrics: [{ name: 'writesPerSecond', unit: '1/s', better: 'higher', bar: 0.7, goal: 0.97 }],
    subject: ['selected', 'gyre'],
    peer: ['selected', 'nobody'],
    needsPeers: false,
  },
  {
    name: 'watch-resume',
    about: '1,000 watchers of 2,000 objects come back 100 changes later, beside the same with list and watch',
    metrics: [{ name: 'caughtUpSeconds', unit: 's', better: 'lower', bar: 1 / 3, goal: 0.05 }],
    subject: ['resume', 'gyre'],
    peer: ['resume', 'list'],
    needsPeers: false,
  },
  informerSync(1_000, 'plain'),
  informerSync(10_000, 'plain'),
  informerSync(10_000, 'managed'),
  informerSync(10_000, 'big'),
  informerSync(10_000, 'varied'),
  informerEvents('plain', 'parse-loop'),
  informerEvents('managed', 'parse-loop'),
  informerEvents('plain', 'client-node'),
];

/** Run only when named: they take minutes. */
export const large: readonly Benchmark[] = [
  rollout('embedded'),
  {
    name: 'restart',
    about: 'an API server on a durable store of 100,000 pods, beside a bare load of that store',
    metrics: [
      { name: 'readyMs', unit: 'ms', better: 'lower', bar: 1.3, goal: 1.1 },
      { name: 'bytesPerObject', unit: 'B', better: 'lower', bar: 1.3, goal: 1.1 },
    ],
    subject: ['restart', 'gyre', '100000'],
    peer: ['restart', 'bare', '100000'],
    needsPeers: false,
  },
  lists(100_000, 'plain'),
  lists(100_000, 'big'),
  informerSync(100_000, 'plain'),
  informerSync(100_000, 'managed'),
  informerSync(100_000, 'big'),
  {
    name: 'informer-stall-100000',
    about:
      'the longest pause of the event loop while an informer of 100,000 pods becomes ready, beside 50 ms',
    metrics: [{ name: 'longestStallMs', unit: 'ms', better: 'lower', bar: 1, goal: 0.4 }],
    subject: ['informer', 'gyre', '100000', 'plain'],
    peer: ['informer', 'limit'],
    needsPeers: false,
  },
];
