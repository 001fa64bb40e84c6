/** The status of a pod, as a table; the lifecycle table shows the rest. */
import { expect } from 'chai';
import type { PodSpec, PodStatus } from 'gyre/kinds/core/v1';
import type { PodSandboxStatus } from 'gyre/runtime';
import { podStatus, type StatusFacts } from '#src/runtime/kubelet/pod-status.js';
import { observed, pod, type Run, sandbox, t0 } from './pods.js';

interface Facts {
  readonly spec?: PodSpec;
  readonly before?: PodStatus;
  readonly runs?: Readonly<Record<string, Run | readonly Run[]>>;
  readonly sandboxes?: readonly PodSandboxStatus[];
  readonly facts?: Partial<StatusFacts>;
}

const web = { name: 'web', image: 'i' };
const other = { name: 'other', image: 'i' };
const setup = { name: 'setup', image: 'i' };
const proxy = { name: 'proxy', image: 'i', restartPolicy: 'Always' } as const;

function statusOf({ spec, before, runs = {}, sandboxes, facts }: Facts): PodStatus {
  const subject = pod(spec, before);
  return podStatus({
    pod: subject,
    observed: observed(subject, runs, sandboxes),
    runtimeName: 'test',
    hostIP: '10.0.0.1',
    now: t0 + 2000,
    failure: undefined,
    ended: false,
    waiting: () => undefined,
    started: () => true,
    ready: () => true,
    ...facts,
  });
}
const condition = (status: PodStatus, type: string) => status.conditions?.find((c) => c.type === type);

const phases: readonly (Facts & { readonly title: string; readonly phase: string })[] = [
  { title: 'nothing has run', phase: 'Pending' },
  {
    title: 'one of two has not run yet',
    spec: { containers: [web, other] },
    runs: { web: {} },
    phase: 'Pending',
  },
  { title: 'all run', runs: { web: {} }, phase: 'Running' },
  { title: 'Always and all have ended', runs: { web: { exitCode: 1 } }, phase: 'Running' },
  {
    title: 'OnFailure and one is to run again',
    spec: { restartPolicy: 'OnFailure', containers: [web, other] },
    runs: { web: { exitCode: 1 }, other: { exitCode: 0 } },
    phase: 'Running',
  },
  {
    title: 'OnFailure and all have completed',
    spec: { restartPolicy: 'OnFailure', containers: [web, other] },
    runs: { web: { exitCode: 0 }, other: { exitCode: 0 } },
    phase: 'Succeeded',
  },
  {
    title: 'Never and one has failed',
    spec: { restartPolicy: 'Never', containers: [web, other] },
    runs: { web: { exitCode: 1 }, other: { exitCode: 0 } },
    phase: 'Failed',
  },
  {
    title: 'waiting after a run counts as stopped',
    runs: { web: { exitCode: 1 } },
    facts: { waiting: () => ({ reason: 'CrashLoopBackOff' }) },
    phase: 'Running',
  },
  {
    title: 'an init container runs',
    spec: { initContainers: [setup], containers: [web] },
    runs: { setup: {} },
    phase: 'Pending',
  },
  {
    title: 'Never and an init container has failed',
    spec: { restartPolicy: 'Never', initContainers: [setup], containers: [web] },
    runs: { setup: { exitCode: 1 } },
    phase: 'Failed',
  },
  {
    title: 'Always and an init container has failed',
    spec: { initContainers: [setup], containers: [web] },
    runs: { setup: { exitCode: 1 } },
    phase: 'Pending',
  },
  {
    title: 'all have completed, and a sidecar still runs',
    spec: { restartPolicy: 'Never', initContainers: [proxy], containers: [web] },
    runs: { proxy: {}, web: { exitCode: 0 } },
    phase: 'Running',
  },
  {
    title: 'all have completed, and the sidecar has failed',
    spec: { restartPolicy: 'Never', initContainers: [proxy], containers: [web] },
    runs: { proxy: { exitCode: 143 }, web: { exitCode: 0 } },
    phase: 'Succeeded',
  },
  {
    title: 'it is being ended for a reason of the kubelet',
    runs: { web: {} },
    facts: { failure: { reason: 'DeadlineExceeded', message: 'm' } },
    phase: 'Running',
  },
  {
    title: 'it has been ended for a reason of the kubelet, however its containers ended',
    runs: { web: { exitCode: 0 } },
    facts: { failure: { reason: 'DeadlineExceeded', message: 'm' }, ended: true },
    phase: 'Failed',
  },
  {
    title: 'Always, deleted, and all completed',
    runs: { web: { exitCode: 0 } },
    facts: { ended: true },
    phase: 'Succeeded',
  },
  {
    title: 'deleted, and one was killed',
    runs: { web: { exitCode: 137 } },
    facts: { ended: true },
    phase: 'Failed',
  },
  { title: 'it was Failed before', before: { phase: 'Failed' }, runs: { web: {} }, phase: 'Failed' },
  {
    title: 'it was Succeeded before',
    before: { phase: 'Succeeded' },
    runs: { web: { exitCode: 1 } },
    phase: 'Succeeded',
  },
];

describe('podStatus', () => {
  for (const row of phases) {
    it(`KL-3 ${row.phase}: ${row.title}`, () => {
      expect(statusOf(row).phase).to.equal(row.phase);
    });
  }

  it('KL-11 keeps what was recorded of a pod that is over, when the runtime has forgotten it', () => {
    const terminated = { exitCode: 0, reason: 'Completed', finishedAt: '2026-01-01T00:00:01Z' };
    const recorded = {
      ...web,
      imageID: 'x',
      ready: false,
      restartCount: 2,
      started: false,
      state: { terminated },
    };
    const status = statusOf({
      spec: { restartPolicy: 'Never', containers: [web] },
      before: { phase: 'Succeeded', containerStatuses: [recorded] },
      sandboxes: [],
    });
    expect(status.containerStatuses).to.deep.equal([recorded]);
    expect(status.phase).to.equal('Succeeded');
  });

  it('KL-11 says of a running container that the runtime has forgotten that nobody knows how it ended', () => {
    const status = statusOf({
      before: {
        phase: 'Running',
        containerStatuses: [
          {
            ...web,
            imageID: '',
            ready: true,
            restartCount: 1,
            state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
          },
        ],
      },
      sandboxes: [],
    });
    const [container] = status.containerStatuses ?? [];
    expect(container).to.include({ ready: false, restartCount: 1 });
    expect(container?.state).to.deep.equal({ waiting: { reason: 'ContainerCreating' } });
    expect(container?.lastState?.terminated).to.include({ exitCode: 137, reason: 'ContainerStatusUnknown' });
  });

  it('KL-11 keeps the run before as lastState', () => {
    const status = statusOf({ runs: { web: [{ attempt: 0, exitCode: 3 }, { attempt: 1 }] } });
    const [container] = status.containerStatuses ?? [];
    expect(container).to.include({ restartCount: 1, containerID: 'test://web-1' });
    expect(container?.lastState?.terminated).to.deep.equal({
      exitCode: 3,
      reason: 'Error',
      startedAt: '2026-01-01T00:00:00Z',
      finishedAt: '2026-01-01T00:00:01Z',
      containerID: 'test://web-0',
    });
  });

  it('KL-10 keeps the conditions of others, and the time of what has not changed', () => {
    const before: PodStatus = {
      qosClass: 'Burstable',
      startTime: '2025-12-31T00:00:00Z',
      conditions: [
        { type: 'example.com/x', status: 'False', reason: 'Mine' },
        { type: 'Ready', status: 'True', lastTransitionTime: '2025-12-31T00:00:00Z' },
        { type: 'ContainersReady', status: 'False', lastTransitionTime: '2025-12-31T00:00:00Z' },
        { type: 'PodScheduled', status: 'True', lastTransitionTime: '2025-12-30T00:00:00Z' },
      ],
    };
    const status = statusOf({ before, runs: { web: {} } });
    expect(condition(status, 'example.com/x')).to.deep.equal(before.conditions?.[0]);
    expect(condition(status, 'Ready')?.lastTransitionTime).to.equal('2025-12-31T00:00:00Z');
    expect(condition(status, 'ContainersReady')?.lastTransitionTime).to.equal('2026-01-01T00:00:02Z');
    expect(condition(status, 'PodScheduled')).to.deep.equal(before.conditions?.[3]);
    expect(status).to.include({ qosClass: 'Burstable', startTime: '2025-12-31T00:00:00Z' });
  });

  it('KL-10 stays initialized while a sidecar is being restarted', () => {
    const status = statusOf({
      spec: { initContainers: [proxy], containers: [web] },
      runs: { proxy: { exitCode: 1 }, web: {} },
      facts: { started: (name) => name === 'web' },
    });
    expect(condition(status, 'Initialized')?.status).to.equal('True');
    expect(condition(status, 'Ready')).to.include({
      status: 'False',
      message: 'containers with unready status: [proxy]',
    });
  });

  it('KL-10 has no addresses before there is a sandbox, and keeps them afterwards', () => {
    expect(statusOf({ sandboxes: [] })).to.not.have.property('podIP');
    const kept = statusOf({ sandboxes: [], before: { podIP: '10.1.1.1', podIPs: [{ ip: '10.1.1.1' }] } });
    expect(kept.podIPs).to.deep.equal([{ ip: '10.1.1.1' }]);
    expect(statusOf({ sandboxes: [sandbox()] }).podIP).to.equal('10.64.0.2');
  });
});
