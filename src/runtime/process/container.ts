/**
 * One container's life, as seen through the files its shim writes (`shell-scripts.ts`). All knowledge comes
 * from `look()`, which may be called at any time and by any life of this process: whoever reads the files
 * comes to the same conclusion.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../../api/index.js';
import type { Logger } from '../../telemetry/index.js';
import { type ContainerStatus, RuntimeError } from '../container-runtime.js';
import { endStdin } from './attach.js';
import { ContainerLog } from './container-log.js';
import { launcher, searchPath } from './isolation.js';
import {
  execsInto,
  isAlive,
  killTree,
  type ProcessIdentity,
  parseIdentity,
  signalProcess,
  strayInSession,
} from './process-table.js';
import type { ContainerRecord, Records } from './records.js';

const startDeadlineMs = 30_000;
/** After SIGKILL: how long the kernel and the shim may take before the container is given up for lost. */
const killDeadlineMs = 5_000;
/** How long after its command's end a container may take to end, before what holds it up is killed. */
const heldUpMs = 300;
/** How long output may still come after the command has ended. */
const outputDeadlineMs = 2_000;

export interface ContainerHome {
  /** Of this container alone. */
  readonly own: string;
  /** Prefix of its files in the run directory. */
  readonly run: string;
  readonly shim: string;
  readonly log: string;
}

export interface ContainerDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly records: Records<ContainerRecord>;
  /** Told after every change that others may want to know. */
  readonly changed: (record: ContainerRecord, what: 'containerStarted' | 'containerStopped') => void;
}

export class Container {
  readonly #home: ContainerHome;
  readonly #deps: ContainerDependencies;
  readonly #output: ContainerLog;
  readonly #waiting = new Set<() => void>();
  #record: ContainerRecord;
  #shimChild: ChildProcess | undefined;
  #shimExited = false;
  #finishing = false;
  #freeing = false;
  #removed = false;
  #closed = false;

  constructor(record: ContainerRecord, home: ContainerHome, deps: ContainerDependencies) {
    this.#record = record;
    this.#home = home;
    this.#deps = deps;
    this.#output = new ContainerLog({ raw: home.run, log: home.log }, deps.clock, (error) =>
      deps.log.warn('cannot write a container log', { container: record.config.name, error }),
    );
  }

  get record(): ContainerRecord {
    return this.#record;
  }

  get home(): ContainerHome {
    return this.#home;
  }

  status(): ContainerStatus {
    const { id, sandboxId, config, image, state, createdAt, startedAt, finishedAt } = this.#record;
    const { exitCode, reason, message } = this.#record;
    return {
      id,
      sandboxId,
      config,
      imageRef: image.reference,
      // Until the command runs it counts as created.
      state: state === 'starting' ? 'created' : state,
      createdAt,
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(finishedAt === undefined ? {} : { finishedAt }),
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
    };
  }

  /**
   * Runs it. `makeScript` gives the run script's text. Resolves when the command has been started.
   * @throws RuntimeError StartError; RunContainerError when it was started before
   */
  async start(makeScript: () => string): Promise<void> {
    if (this.#record.state !== 'created') {
      throw new RuntimeError('RunContainerError', `container ${this.#record.id} has been started before`);
    }
    this.#save({ state: 'starting' });
    try {
      mkdirSync(join(this.#home.own, 'mnt'), { recursive: true, mode: 0o700 });
      const scriptPath = join(this.#home.own, 'run.sh');
      writeFileSync(scriptPath, makeScript(), { mode: 0o600 });
      if (this.#record.config.stdin)
        await promisify(execFile)('mkfifo', [
          '-m',
          '600',
          join(this.#home.own, 'stdin'),
          join(this.#home.own, 'stdin.end'),
        ]);
      const run = [...launcher(this.#record.isolation), scriptPath];
      const child = spawn('/bin/sh', [this.#home.shim, this.#home.run, this.#home.own, ...run], {
        detached: true,
        stdio: 'ignore',
        cwd: '/',
        env: { PATH: searchPath() },
      });
      child.unref();
      this.#shimChild = child;
      child.once('error', (error) =>
        this.#ended({ exitCode: 128, reason: 'StartError', message: error.message }),
      );
      child.once('exit', () => {
        this.#shimChild = undefined;
        this.#shimExited = true;
        this.look();
      });
    } catch (error) {
      this.#ended({ exitCode: 128, reason: 'StartError', message: (error as Error).message });
    }
    const begun = await this.#until(
      () => !['created', 'starting'].includes(this.#record.state),
      startDeadlineMs,
    );
    if (!begun) {
      this.#killAll();
      this.#ended({ exitCode: 128, reason: 'StartError', message: 'the container did not start in time' });
    }
    if (this.#record.reason === 'StartError')
      throw new RuntimeError('StartError', this.#record.message ?? '');
  }

  /** A new life: finds out what became of it. */
  adopt(): void {
    if (this.#record.state === 'starting') this.#claim();
    this.look();
    if (this.#record.state !== 'exited') this.#output.poke();
  }

  /** Reads what the shim has written, and draws the conclusions. Cheap. */
  look(): void {
    const { state } = this.#record;
    const settled = state === 'created' || state === 'exited';
    if (!this.#removed && !this.#closed && !this.#finishing && !settled) this.#observe();
    for (const check of this.#waiting) check();
  }

  #observe(): void {
    const { state } = this.#record;
    // In the reverse order of writing, so that what was read is never older than what follows from it: first the
    // command begins, then it ends, then the shim does.
    const gone = this.#shimIsGone(this.#read('start'));
    const code = this.#read('exit').trim();
    const said = this.#read('start');
    const processes = {
      ...identityIn(said, 'shim', this.#record.shim),
      ...identityIn(said, 'init', this.#record.init),
      ...identityIn(said, 'main', this.#record.main),
    };
    const error = /^error (.*)$/m.exec(said)?.[1];
    const running = /^exec$/m.test(said);
    if (state === 'starting' && running) {
      const startedAt = Math.round(statSync(`${this.#home.run}.start`).mtimeMs);
      this.#save({ ...processes, state: 'running', startedAt });
      this.#notify('containerStarted');
    } else if (processes.main && !this.#record.main) {
      this.#save(processes);
    }
    if (code !== '') void this.#finish(Number(code), running, error);
    else if (gone) this.#lost();
    else if (this.#record.main && !isAlive(this.#record.main)) this.#freeHeldUp(this.#record.main);
  }

  /** Nothing more will be written by it. */
  get saidAll(): boolean {
    return this.#record.state === 'exited' && !this.#finishing;
  }

  /** There is new output. */
  pokeLog(): void {
    if (['starting', 'running'].includes(this.#record.state)) this.#output.poke();
  }

  /** SIGTERM, then SIGKILL after `graceMs`; resolves when it has ended. */
  async stop(graceMs: number): Promise<void> {
    if (this.#record.state === 'starting')
      await this.#until(() => this.#record.state !== 'starting', startDeadlineMs);
    const ended = () => this.#record.state === 'exited';
    if (this.#record.state !== 'running') return;
    const { main } = this.#record;
    if (graceMs > 0) {
      if (main) signalProcess(main, 'SIGTERM');
      if (await this.#until(ended, graceMs)) return;
    }
    // Its parent, process 1 of the namespace, sees 137, ends, and the kernel ends the rest with it.
    if (main) signalProcess(main, 'SIGKILL');
    if (await this.#until(ended, killDeadlineMs)) return;
    this.#killAll();
    if (await this.#until(ended, killDeadlineMs)) return;
    this.#deps.log.warn('a container does not end', { container: this.#record.config.name });
    this.#lost();
  }

  /** Ends it if need be, and forgets everything but its log. */
  async remove(): Promise<void> {
    await this.stop(0);
    await this.#until(() => !this.#finishing, killDeadlineMs);
    this.#removed = true;
    await this.#output.close();
    this.#deps.records.remove(this.#record.id);
    if (this.#record.config.stdin) await endStdin(this.#home.own);
    rmSync(this.#home.own, { recursive: true, force: true });
    for (const kind of ['start', 'stdout', 'stderr', 'exit', 'exit.new', 'done', 'pos', 'pos.new']) {
      rmSync(`${this.#home.run}.${kind}`, { force: true });
    }
  }

  /** Lets go of it; it runs on. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#shimChild?.removeAllListeners();
    await this.#output.close();
  }

  #save(change: Partial<ContainerRecord>): void {
    this.#record = { ...this.#record, ...change };
    if (!this.#removed) this.#deps.records.save(this.#record);
  }

  #notify(what: 'containerStarted' | 'containerStopped'): void {
    this.#deps.changed(this.#record, what);
    for (const check of this.#waiting) check();
  }

  #read(kind: 'start' | 'exit'): string {
    try {
      return readFileSync(`${this.#home.run}.${kind}`, 'utf8');
    } catch {
      return '';
    }
  }

  #shimIsGone(said: string): boolean {
    if (this.#shimChild) return false;
    if (this.#shimExited) return true;
    const { shim } = this.#record.shim ? this.#record : identityIn(said, 'shim', undefined);
    // Claimed, and not yet told by whom: that takes a shell a moment.
    if (!shim) return existsSync(`${this.#home.run}.start`) && this.#claimIsOld();
    return !isAlive(shim);
  }

  #claimIsOld(): boolean {
    return this.#deps.clock.now() - statSync(`${this.#home.run}.start`).mtimeMs > startDeadlineMs;
  }

  /** Takes the place of a shim that was never started: should it still come, it leaves. */
  #claim(): void {
    try {
      closeSync(openSync(`${this.#home.run}.start`, 'wx', 0o600));
    } catch {
      return;
    }
    this.#lost();
  }

  async #finish(code: number, ran: boolean, error: string | undefined): Promise<void> {
    if (this.#finishing) return;
    this.#finishing = true;
    const finishedAt = Math.round(statSync(`${this.#home.run}.exit`).mtimeMs);
    if (this.#record.isolation === 'none') this.#killStragglers();
    await this.#until(
      () => existsSync(`${this.#home.run}.done`) || this.#shimIsGone(this.#read('start')),
      outputDeadlineMs,
    );
    const complaint = ran ? '' : this.#lastComplaint();
    await this.#output.finish();
    this.#finishing = false;
    if (this.#closed) return;
    if (ran) this.#ended({ exitCode: code, reason: code === 0 ? 'Completed' : 'Error', finishedAt });
    else {
      const message = error ?? (complaint || `the container could not be started: exit code ${code}`);
      this.#ended({ exitCode: 128, reason: 'StartError', message, finishedAt });
    }
  }

  /** Commands run in it that do not go away with it. */
  #freeHeldUp(main: ProcessIdentity): void {
    if (this.#freeing) return;
    this.#freeing = true;
    this.#deps.clock.setTimer(heldUpMs, () => {
      this.#freeing = false;
      if (this.#closed || this.#read('exit') !== '') return;
      for (const identity of execsInto(main)) signalProcess(identity, 'SIGKILL');
    });
  }

  #lastComplaint(): string {
    try {
      return readFileSync(`${this.#home.run}.stderr`, 'utf8').trim().split('\n').at(-1) ?? '';
    } catch {
      return '';
    }
  }

  /** Nobody is left who could tell how it ended. */
  #lost(): void {
    this.#killAll();
    this.#ended({
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      message: 'what watched over the container is gone; how it ended is not known',
    });
    void this.#output.finish();
  }

  #ended(change: Partial<ContainerRecord>): void {
    if (this.#record.state === 'exited') return;
    this.#save({ finishedAt: this.#deps.clock.now(), ...change, state: 'exited' });
    this.#notify('containerStopped');
  }

  /** Without a PID namespace, what the command has left behind. */
  #killStragglers(): void {
    const { shim } = this.#record;
    for (const stray of shim ? strayInSession(shim) : []) killTree(stray);
  }

  #killAll(): void {
    const { init, main, shim } = this.#record;
    for (const identity of [main, init]) if (identity) signalProcess(identity, 'SIGKILL');
    if (shim && isAlive(shim)) killTree(shim);
  }

  /** True once `check` holds; false when the time is up. */
  #until(check: () => boolean, ms: number): Promise<boolean> {
    this.look();
    if (check()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (result: boolean) => {
        this.#waiting.delete(recheck);
        cancel();
        resolve(result);
      };
      const recheck = () => {
        if (check()) settle(true);
      };
      const cancel = this.#deps.clock.setTimer(ms, () => {
        this.look();
        settle(check());
      });
      this.#waiting.add(recheck);
    });
  }
}

function identityIn(
  said: string,
  word: 'shim' | 'init' | 'main',
  known: ProcessIdentity | undefined,
): { shim?: ProcessIdentity; init?: ProcessIdentity; main?: ProcessIdentity } {
  if (known) return { [word]: known };
  const line = new RegExp(`^${word} (.+)\n`, 'm').exec(said)?.[1];
  const identity = line === undefined ? undefined : parseIdentity(line);
  return identity ? { [word]: identity } : {};
}
