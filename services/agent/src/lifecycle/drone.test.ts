import { rm } from 'node:fs/promises';
import { type Clock, systemClock } from '@spawner/domain';
import { StartBackendRequest } from '@spawner/proto/internal/agent_service';
import { BackendStatus } from '@spawner/proto/internal/backend_status';
import {
  type BackendKey,
  type BackendSpec,
  BackendState,
  EndReason,
  OnLeaseLoss,
} from '@spawner/proto/v1/backend';
import { LogStream } from '@spawner/proto/v1/backend_service';
import { createLog } from '@spawner/service';
import { eventually, type TempDir, tempDir } from '@spawner/testkit';
import { createMetrics } from '../metrics.ts';
import { type Condition, type Runtime, RuntimeError } from '../runtime/runtime.ts';
import { Journal } from '../state/journal.ts';
import { StateDir } from '../state/state-dir.ts';
import { Drone } from './drone.ts';
import { Reconciler } from './reconcile.ts';
import { StartQueue } from './start-queue.ts';

const { LOADING, READY, TERMINATING, TERMINATED } = BackendState;
const log = createLog('test', 'silent');
// No program answers a probe here, so WAITING lasts.
const NOWHERE = { host: '127.0.0.1', port: 1 };

/** A runtime in memory that the test controls. */
class FakeRuntime implements Runtime {
  readonly kind = 'process';
  readonly containers = new Map<string, Condition>();
  readonly calls: string[] = [];
  away = false;
  pulling: (spec: BackendSpec, signal: AbortSignal) => Promise<void> = async () => {};
  creating: (id: string) => void = () => {};

  async pull(spec: BackendSpec, signal: AbortSignal) {
    this.#note('pull', spec.image);
    await this.pulling(spec, signal);
  }
  async create({ id }: { id: string }) {
    this.#note('create', id);
    this.containers.set(id, { is: 'absent' });
    this.creating(id);
  }
  async start(id: string) {
    this.#note('start', id);
    const endpoints = { local: NOWHERE };
    this.containers.set(id, { is: 'running', endpoints });
    return endpoints;
  }
  async signal(id: string, name: string) {
    this.#note(`signal ${name || 'by default'}`, id);
    return this.containers.get(id)?.is === 'running';
  }
  async remove(id: string) {
    this.#note('remove', id);
    this.containers.delete(id);
  }
  async inspect(id: string): Promise<Condition> {
    if (this.away) throw new Error('no engine');
    return this.containers.get(id) ?? { is: 'absent' };
  }
  says: readonly string[] = [];
  async *logs() {
    for (const text of this.says) yield { stream: LogStream.STDOUT, text };
  }
  async *stats() {}
  async established() {
    return 0;
  }
  async list() {
    return [...this.containers.keys()];
  }
  async watch() {}
  close() {}

  #note(what: string, id: string) {
    if (this.away) throw new Error('no engine');
    this.calls.push(`${what} ${id}`);
  }
}

describe('a drone', () => {
  let temp: TempDir;
  let runtime: FakeRuntime;
  let drone: Drone;
  let kicks: number;
  let now: number;
  const clock: Clock = { ...systemClock, now: () => now };
  const open = () => {
    const starts = new StartQueue({ atOnce: 8, clock });
    const journal = new Journal(new StateDir(temp.path), 'boot', log);
    const opened = new Drone({
      runtime,
      journal,
      clock,
      log,
      starts,
      metrics: createMetrics(),
    });
    opened.join({
      registration: 1,
      kick: () => {
        kicks += 1;
      },
    });
    return opened;
  };
  type Spec = Parameters<typeof StartBackendRequest.fromPartial>[0]['spec'];
  const take = (id: string, spec: Spec = {}, key?: BackendKey) =>
    drone.start(
      StartBackendRequest.fromPartial({
        id,
        placement: 1,
        spec: { image: `image-${id}`, ...spec },
        key,
      }),
    );
  /** The scheduler has acknowledged its first report, and no later one. */
  const hear = (id: string) => drone.acknowledge([BackendStatus.fromPartial({ id, revision: 1 })]);
  const start = (id: string, spec: Spec = {}, key?: BackendKey) => {
    take(id, spec, key);
    hear(id);
  };
  const stateOf = (id: string) => drone.find(id)?.life.status.state;
  const reaches = (id: string, state: BackendState) => eventually(() => stateOf(id) === state);

  beforeEach(async () => {
    temp = await tempDir('drone');
    runtime = new FakeRuntime();
    kicks = 0;
    now = 0;
    drone = open();
  });
  afterEach(async () => {
    drone.close();
    await temp.stop();
  });

  it('starts an id once, and reports every step', async () => {
    start('a');
    start('a');
    start('b');
    await Promise.all(['a', 'b'].map((id) => reaches(id, BackendState.WAITING)));
    expect(runtime.calls.filter((call) => call.startsWith('pull')).sort()).toEqual([
      'pull image-a',
      'pull image-b',
    ]);
    expect(kicks).toBeGreaterThanOrEqual(6);
    drone.find('a')?.take({ type: 'answered' });
    expect([stateOf('a'), stateOf('b')]).toEqual([READY, BackendState.WAITING]);
  });

  it('starts nothing before the scheduler has acknowledged it, and nothing that was abandoned', async () => {
    for (const id of ['a', 'b']) take(id);
    await eventually(() => ['create a', 'create b'].every((call) => runtime.calls.includes(call)));
    drone.stop({ id: 'a', force: false, reason: EndReason.INTERNAL, detail: 'its record had ended' });
    for (const id of ['a', 'b']) hear(id);
    await Promise.all([reaches('a', TERMINATED), reaches('b', BackendState.WAITING)]);
    expect(runtime.calls.filter((call) => call.startsWith('start'))).toEqual(['start b']);
    expect(runtime.calls).toContain('remove a');
  });

  it('ends a backend as INTERNAL after an unexpected error, with an error id and without its text', async () => {
    runtime.creating = (id) => {
      if (id === 'a') throw new Error('the password is x');
    };
    start('a');
    start('b');
    await reaches('a', TERMINATED);
    expect(drone.find('a')?.life.status).toMatchObject({
      endReason: EndReason.INTERNAL,
      endDetail: expect.stringMatching(/^internal error [0-9a-f-]{36}$/),
    });
    expect(runtime.containers.has('a')).toBe(false);
    await reaches('b', BackendState.WAITING);
  });

  it('continues to the end if its journal can no longer be written', async () => {
    start('a');
    await reaches('a', BackendState.WAITING);
    await rm(temp.path, { recursive: true });
    drone.find('a')?.take({ type: 'answered' });
    expect(stateOf('a')).toBe(READY);
    drone.stop({ id: 'a', force: true, reason: EndReason.REQUESTED });
    await reaches('a', TERMINATED);
    expect(runtime.containers.has('a')).toBe(false);
  });

  it("keeps the engine's message if it refuses a start", async () => {
    runtime.creating = () => {
      throw new RuntimeError('no such device');
    };
    start('a');
    await reaches('a', TERMINATED);
    expect(drone.find('a')?.life.status).toMatchObject({
      endReason: EndReason.START_ERROR,
      endDetail: 'no such device',
    });
  });

  it('cuts a pull short if it is stopped, and starts nothing', async () => {
    runtime.pulling = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    start('a');
    expect(stateOf('a')).toBe(LOADING);
    drone.stop({ id: 'a', force: false, reason: EndReason.UNSPECIFIED });
    await reaches('a', TERMINATED);
    expect(drone.find('a')?.life.status.endReason).toBe(EndReason.REQUESTED);
    expect(runtime.calls).toEqual(['pull image-a', 'remove a']);
  });

  it('reports the last lines at the end, and only the beginning of long ones', async () => {
    runtime.says = Array.from({ length: 60 }, (_, n) => `${n} ${'ü'.repeat(n === 59 ? 3 : 60_000)}`);
    start('a');
    await reaches('a', BackendState.WAITING);
    runtime.containers.set('a', { is: 'exited', exit: { code: 3, outOfMemory: false } });
    drone.find('a')?.take({ type: 'exited', exit: { code: 3, outOfMemory: false } });
    await reaches('a', TERMINATED);
    const status = drone.find('a')!.life.status;
    expect(status.lastLogs.map((line) => line.slice(0, 4))).toEqual(
      runtime.says.slice(-status.lastLogs.length).map((line) => line.slice(0, 4)),
    );
    expect([status.lastLogs[0]?.at(-1), status.lastLogs.at(-1)]).toEqual(['…', '59 üüü']);
    expect(BackendStatus.encode(status).finish().length).toBeLessThan(10 * 1024);
  });

  it('carries out an end as soon as the engine is back', async () => {
    start('a');
    await reaches('a', BackendState.WAITING);
    runtime.away = true;
    drone.stop({ id: 'a', force: true, reason: EndReason.DRAINED });
    expect(stateOf('a')).toBe(TERMINATING);
    runtime.away = false;
    await reaches('a', TERMINATED);
    expect(runtime.containers.size).toBe(0);
  });

  it('drops credentials from memory and disk once the image is present', async () => {
    const credentials = { username: 'ann', password: 'se:cret', identityToken: '' };
    start('a', { credentials });
    const onDisk = () => new StateDir(temp.path).below('backends').read('a.json');
    expect(onDisk()).toContain('se:cret');
    await reaches('a', BackendState.WAITING);
    expect(onDisk()).not.toContain('se:cret');
    expect(drone.find('a')?.entry.spec.credentials).toBeUndefined();
  });

  it('reports unacknowledged statuses, and forgets only acknowledged ends', async () => {
    start('a');
    start('b');
    await Promise.all(['a', 'b'].map((id) => reaches(id, BackendState.WAITING)));
    const told = drone.unacknowledged();
    expect(told.map(({ id }) => id)).toEqual(['a', 'b']);
    drone.acknowledge(told.filter(({ id }) => id === 'a'));
    expect(drone.unacknowledged().map(({ id }) => id)).toEqual(['b']);
    drone.forget(['a']);
    expect(stateOf('a')).toBe(BackendState.WAITING);
    drone.stop({ id: 'a', force: true, reason: EndReason.REQUESTED });
    await reaches('a', TERMINATED);
    expect(drone.unacknowledged().map(({ id }) => id)).toEqual(['a', 'b']);
    drone.forget(['a']);
    expect(drone.inventory().map(({ status }) => status?.id)).toEqual(['b']);
    expect(() => start('a')).toThrow('this backend has ended here');
  });

  it('adopts the backends of its journal after a restart, with their idle clocks', async () => {
    for (const id of ['a', 'b']) {
      start(id);
      await reaches(id, BackendState.WAITING);
      drone.find(id)?.take({ type: 'answered' });
    }
    drone.close();
    runtime.containers.set('b', { is: 'exited', exit: { code: 3, outOfMemory: false } });
    now = 50_000;
    drone = open();
    drone.adopt(new Map([['a', 20_000]]));
    await reaches('b', TERMINATED);
    expect(drone.find('b')?.life.status).toMatchObject({ endReason: EndReason.FAILED, exitCode: 3 });
    expect(stateOf('a')).toBe(READY);
    expect(drone.find('a')?.usage.activeAt).toBe(20_000);
  });

  it('returns the claim of a placement unchanged, also after a restart', async () => {
    const claim = Buffer.from([1, 0, 255]);
    drone.start(
      StartBackendRequest.fromPartial({ id: 'a', placement: 1, spec: { image: 'image-a' }, claim }),
    );
    hear('a');
    await reaches('a', BackendState.WAITING);
    drone.close();
    drone = open();
    drone.adopt(new Map());
    expect(drone.inventory().map((entry) => entry.claim)).toEqual([claim]);
  });

  it('ends a backend whose container is already gone, once for two orders', async () => {
    for (const id of ['a', 'b']) {
      start(id);
      await reaches(id, BackendState.WAITING);
      runtime.containers.delete(id);
    }
    const order = { reason: EndReason.REQUESTED, force: false };
    for (const id of ['a', 'a', 'b']) drone.stop({ ...order, id, force: id === 'b' });
    for (const id of ['a', 'b']) {
      await reaches(id, TERMINATED);
      expect(drone.find(id)?.life.status.endReason).toBe(EndReason.REQUESTED);
      const { revision } = drone.find(id)!.life.status;
      drone.stop({ ...order, id });
      expect(drone.find(id)?.life.status.revision).toBe(revision);
    }
  });

  it('never starts an id that has ended here or was stopped before it came, not even after a restart', async () => {
    start('a');
    drone.stop({ id: 'a', force: true, reason: EndReason.REQUESTED });
    await reaches('a', TERMINATED);
    drone.stop({ id: 'late', force: true, reason: EndReason.REQUESTED });
    for (const restarted of [false, true]) {
      if (restarted) {
        drone.forget(['a', 'late']);
        drone.close();
        drone = open();
        drone.adopt(new Map());
      }
      for (const id of ['a', 'late']) expect(() => start(id)).toThrow('this backend has ended here');
    }
    expect(runtime.calls.filter((call) => call.startsWith('start'))).toEqual([]);
  });

  it('includes in its inventory the ordered end of an unknown backend, until the store has it', async () => {
    start('a');
    drone.stop({ id: 'late', force: true, reason: EndReason.REQUESTED });
    const told = () => drone.inventory().map(({ status, spec }) => [status?.id, status?.state, spec?.image]);
    expect(told()).toEqual([
      ['a', LOADING, 'image-a'],
      ['late', TERMINATED, undefined],
    ]);
    drone.forget(['late']);
    expect([told().length, drone.unacknowledged().length]).toEqual([1, 1]);
  });

  it('removes an unknown container when it is seen a second time, and no other', async () => {
    start('a');
    await reaches('a', BackendState.WAITING);
    runtime.containers.set('stranger', { is: 'running', endpoints: { local: NOWHERE } });
    const reconciler = new Reconciler(drone, { clock, log });
    await reconciler.all();
    expect([...runtime.containers.keys()]).toEqual(['a', 'stranger']);
    await reconciler.all();
    expect([...runtime.containers.keys()]).toEqual(['a']);
  });

  it('fences strictly keyed backends and no others: first the stop signal, then the kill', async () => {
    const key = { namespace: '', name: 'room', tag: '' };
    const specs = { strict: {}, loose: { onLeaseLoss: OnLeaseLoss.CONTINUE } };
    for (const [id, spec] of Object.entries(specs)) start(id, spec, key);
    start('plain');
    for (const id of ['strict', 'loose', 'plain']) await reaches(id, BackendState.WAITING);
    drone.fence('none');
    expect(stateOf('strict')).toBe(BackendState.WAITING);
    drone.fence('stop');
    await reaches('strict', TERMINATING);
    await eventually(() => expect(runtime.calls).toContain('signal by default strict'));
    drone.fence('kill');
    await reaches('strict', TERMINATED);
    expect(drone.find('strict')?.life.status.endReason).toBe(EndReason.LEASE_LOST);
    expect(['loose', 'plain'].map(stateOf)).toEqual([BackendState.WAITING, BackendState.WAITING]);
  });
});
