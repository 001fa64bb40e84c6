import { expect } from 'chai';
import {
  type Behaviour,
  type ContainerConfig,
  type RuntimeError,
  type RuntimeEvent,
  SimulatedRuntime,
  simulateAnnotation,
} from 'gyre/runtime';
import { VirtualClock } from 'gyre/testing';
import { behaviourOf } from '#src/runtime/simulated/behaviour.js';

function config(name = 'web', attempt = 0): ContainerConfig {
  return {
    name,
    attempt,
    image: 'i',
    env: [],
    mounts: [],
    stdin: false,
    tty: false,
    ports: [],
    resources: {},
    securityContext: {},
    labels: {},
    annotations: {},
    specHash: 'h',
    logPath: `${name}/${attempt}.log`,
  };
}

class World {
  readonly clock = new VirtualClock();
  readonly runtime = new SimulatedRuntime({ clock: this.clock, network: 257 });
  readonly events: RuntimeEvent[] = [];

  constructor() {
    this.runtime.events$.subscribe((event) => this.events.push(event));
  }

  sandbox(behaviour: Behaviour = {}, uid = 'u1') {
    return this.runtime.runPodSandbox({
      pod: { namespace: 'default', name: 'p', uid },
      attempt: 0,
      hostname: 'p',
      labels: {},
      annotations: { [simulateAnnotation]: JSON.stringify({ web: behaviour }) },
      hostNetwork: false,
      logDirectory: '/nowhere',
    });
  }

  /** A container that has been started. */
  async run(behaviour: Behaviour = {}, attempt = 0): Promise<string> {
    const { id: sandbox } = await this.sandbox(behaviour);
    const id = await this.runtime.createContainer(sandbox, config('web', attempt));
    await this.runtime.startContainer(id);
    return id;
  }

  async status(id: string) {
    return (await this.runtime.listContainers()).find((container) => container.id === id);
  }

  /** How long until a container that is asked to end has ended, and its exit code. */
  async stop(id: string, ...graces: readonly number[]) {
    const began = this.clock.monotonic();
    let took: number | undefined;
    for (const grace of graces) {
      void this.runtime.stopContainer(id, grace).then(() => {
        took ??= this.clock.monotonic() - began;
      });
      await this.clock.settle();
    }
    await this.clock.advance('10m');
    return { took, exitCode: (await this.status(id))?.exitCode };
  }
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e as RuntimeError,
  );
  return error?.reason ?? 'none';
}

describe('SimulatedRuntime', () => {
  it('runs a container until it is stopped, and tells when it starts and ends', async () => {
    const w = new World();
    const id = await w.run();
    await w.clock.advance('1h');
    expect(await w.status(id)).to.include({ state: 'running', startedAt: Date.UTC(2026, 0, 1) });
    expect(await w.stop(id, 30_000)).to.deep.equal({ took: 0, exitCode: 143 });
    expect(w.events).to.deep.equal([
      { podUid: 'u1', type: 'containerStarted', containerId: id },
      { podUid: 'u1', type: 'containerStopped', containerId: id },
    ]);
  });

  it('ends a container after its time with its code, one for each run', async () => {
    const w = new World();
    const id = await w.run({ runMs: [10, 2000], exitCode: [1, 2] }, 1);
    await w.clock.advance(1999);
    expect(await w.status(id)).to.include({ state: 'running' });
    await w.clock.advance(1);
    expect(await w.status(id)).to.include({ state: 'exited', exitCode: 2, reason: 'Error' });
  });

  for (const [title, stopMs, graces, took, exitCode] of [
    ['one that yields within its grace', 500, [1000], 500, 143],
    ['one that does not is killed', 5000, [1000], 1000, 137],
    ['no grace kills at once', 500, [0], 0, 137],
    ['asked again with less grace it goes faster', 60_000, [30_000, 1000], 1000, 137],
    ['asked again with more it does not go slower', 60_000, [1000, 30_000], 1000, 137],
  ] as const) {
    it(`stops: ${title}`, async () => {
      const w = new World();
      const id = await w.run({ stopMs });
      expect(await w.stop(id, ...graces)).to.deep.equal({ took, exitCode });
    });
  }

  it('takes stop and remove again, and of what is gone', async () => {
    const w = new World();
    const id = await w.run();
    const [sandbox] = await w.runtime.listPodSandboxes();
    for (let i = 0; i < 2; i++) {
      await w.runtime.stopContainer(id, 0);
      await w.runtime.removeContainer(id);
      await w.runtime.stopPodSandbox(sandbox?.id ?? '');
      await w.runtime.removePodSandbox(sandbox?.id ?? '');
    }
    expect(await w.runtime.listContainers()).to.deep.equal([]);
    expect(await w.runtime.listPodSandboxes()).to.deep.equal([]);
  });

  it('refuses one name and attempt twice in a sandbox', async () => {
    const w = new World();
    const { id } = await w.sandbox();
    await w.runtime.createContainer(id, config());
    expect(await refusal(w.runtime.createContainer(id, config()))).to.equal('CreateContainerError');
    expect(await refusal(w.runtime.createContainer(id, config('web', 1)))).to.equal('none');
  });

  it('refuses containers in a sandbox that has ended, and ends those that run', async () => {
    const w = new World();
    const id = await w.run();
    const [sandbox] = await w.runtime.listPodSandboxes();
    await w.runtime.stopPodSandbox(sandbox?.id ?? '');
    expect(await w.status(id)).to.include({ state: 'exited', exitCode: 137 });
    expect(await refusal(w.runtime.createContainer(sandbox?.id ?? '', config('b')))).to.equal(
      'CreateContainerError',
    );
  });

  it('fails to start what is to fail, and has it as exited', async () => {
    const w = new World();
    const { id: sandbox } = await w.sandbox({ startError: 'no such file' });
    const id = await w.runtime.createContainer(sandbox, config());
    expect(await refusal(w.runtime.startContainer(id))).to.equal('StartError');
    expect(await w.status(id)).to.include({
      state: 'exited',
      exitCode: 128,
      reason: 'StartError',
      message: 'no such file',
    });
  });

  it('gives each sandbox an address of its own, and has them back when it ends', async () => {
    const w = new World();
    const addresses = new Set<string>();
    const ids: string[] = [];
    for (let i = 0; i < 253; i++) {
      const { id, ips } = await w.sandbox({}, `u${i}`);
      ids.push(id);
      addresses.add(ips[0] ?? '');
    }
    expect(addresses.size).to.equal(253);
    expect([...addresses][0]).to.equal('10.65.1.2');
    expect(await refusal(w.sandbox({}, 'late'))).to.equal('CreatePodSandboxError');
    await w.runtime.stopPodSandbox(ids[7] ?? '');
    const { ips } = await w.sandbox({}, 'late');
    expect(ips).to.deep.equal(['10.65.1.9']);
    // Removing the one that had it before takes it from nobody.
    await w.runtime.removePodSandbox(ids[7] ?? '');
    expect(await refusal(w.sandbox({}, 'later'))).to.equal('CreatePodSandboxError');
  });

  it('lists by pod', async () => {
    const w = new World();
    await w.run();
    await w.sandbox({}, 'u2');
    expect(await w.runtime.listContainers('u1')).to.have.lengthOf(1);
    expect(await w.runtime.listContainers('u2')).to.deep.equal([]);
    expect(await w.runtime.listPodSandboxes('u2')).to.have.lengthOf(1);
    expect(await w.runtime.listPodSandboxes('u3')).to.deep.equal([]);
  });

  it('probes by the clock', async () => {
    const w = new World();
    const id = await w.run({ probeFailsForMs: 1000, probeFailsAfterMs: 5000 });
    const probe = async () =>
      (await w.runtime.probe(id, { type: 'tcpSocket', host: 'h', port: 80 }, 1000)).outcome;
    expect(await probe()).to.equal('failure');
    await w.clock.advance(1000);
    expect(await probe()).to.equal('success');
    await w.clock.advance(4000);
    expect(await probe()).to.equal('failure');
    await w.runtime.stopContainer(id, 0);
    expect(await probe()).to.equal('error');
  });

  it('says that it runs no commands', async () => {
    const w = new World();
    const id = await w.run();
    expect(await refusal(w.runtime.exec(id, { command: ['ls'], tty: false }))).to.equal('NotRunning');
  });
});

describe('behaviourOf', () => {
  const of = (text: string, container = 'web') => behaviourOf({ [simulateAnnotation]: text }, container);
  for (const [title, text, behaviour] of [
    ['the entry of the container', '{"web": {"runMs": 1}, "*": {"runMs": 2}}', { runMs: 1 }],
    ['that of all others', '{"*": {"runMs": 2}}', { runMs: 2 }],
    ['nothing where there is none', '{"db": {"runMs": 2}}', {}],
    ['nothing for what is no JSON', '{', {}],
    ['nothing for what is no object', '[1]', {}],
    ['nothing for null', 'null', {}],
    ['nothing for an entry that is no object', '{"web": 3}', {}],
  ] as const) {
    it(`reads ${title}`, () => {
      expect(of(text)).to.deep.equal(behaviour);
    });
  }
  it('reads no entry from a prototype', () => {
    expect(of('{}', 'constructor')).to.deep.equal({});
  });
});
