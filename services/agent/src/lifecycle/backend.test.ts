import { systemClock } from '@spawner/domain';
import { StartBackendRequest } from '@spawner/proto/internal/agent_service';
import { BackendStatus } from '@spawner/proto/internal/backend_status';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { eventually, type TempDir, tempDir } from '@spawner/testkit';
import { createMetrics } from '../metrics.ts';
import type { Condition, Runtime } from '../runtime/runtime.ts';
import { Journal } from '../state/journal.ts';
import { StateDir } from '../state/state-dir.ts';
import { Drone } from './drone.ts';
import { StartQueue } from './start-queue.ts';

const { STARTING, WAITING, TERMINATED } = BackendState;
const log = createLog('test', 'silent');
const ID = 'a';
const endpoints = { local: { host: '127.0.0.1', port: 1 } };

/** A runtime whose calls can be held until the test releases them. */
class SlowRuntime implements Runtime {
  readonly kind = 'docker';
  readonly calls: string[] = [];
  condition: Condition = { is: 'absent' };
  readonly #held = new Map<string, { passed: Promise<void>; pass: () => void }>();

  hold(what: string): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(what, { passed: promise, pass: resolve });
  }
  release(what: string): void {
    this.#held.get(what)?.pass();
    this.#held.delete(what);
  }
  async pull() {}
  async create() {
    await this.#called('create');
  }
  async start() {
    await this.#called('start');
    if (!this.calls.includes('create')) throw new Error('start before create');
    this.condition = { is: 'running', endpoints };
    return endpoints;
  }
  async signal() {
    await this.#called('signal');
    return this.condition.is === 'running';
  }
  async remove() {
    await this.#called('remove');
    this.condition = { is: 'absent' };
  }
  async inspect() {
    // Like an engine's answer, the condition is from before it is read.
    const { condition } = this;
    await this.#called('inspect');
    return condition;
  }
  async *logs() {}
  async *stats() {}
  async established() {
    return 0;
  }
  async list() {
    return [];
  }
  async watch() {}
  close() {}

  async #called(what: string): Promise<void> {
    this.calls.push(what);
    await this.#held.get(what)?.passed;
  }
}

describe('a backend', () => {
  let temp: TempDir;
  let runtime: SlowRuntime;
  let drone: Drone;
  const open = () => {
    const journal = new Journal(new StateDir(temp.path), 'boot', log);
    return new Drone({
      runtime,
      journal,
      clock: systemClock,
      log,
      starts: new StartQueue({ atOnce: 8, clock: systemClock }),
      metrics: createMetrics(),
    });
  };
  const acknowledge = () => drone.acknowledge([BackendStatus.fromPartial({ id: ID, revision: 1 })]);
  const take = () =>
    drone.start(StartBackendRequest.fromPartial({ id: ID, placement: 1, spec: { image: 'image' } }));
  const status = () => drone.find(ID)?.life.status;
  const reaches = (state: BackendState) => eventually(() => status()?.state === state);
  const calls = (what: string) => runtime.calls.filter((call) => call === what).length;

  beforeEach(async () => {
    temp = await tempDir('backend');
    runtime = new SlowRuntime();
    drone = open();
  });
  afterEach(async () => {
    drone.close();
    await temp.stop();
  });

  it.each([false, true])(
    'is not started if its end was ordered while it was created (by force: %s)',
    async (force) => {
      runtime.hold('create');
      take();
      acknowledge();
      await eventually(() => calls('create') === 1);
      drone.stop({ id: ID, force, reason: EndReason.LEASE_LOST });
      runtime.release('create');
      await reaches(TERMINATED);
      expect(status()?.endReason).toBe(EndReason.LEASE_LOST);
      expect(calls('start')).toBe(0);
    },
  );

  it('is not started before its entry in the journal survives a power loss', async () => {
    const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
    const flush = jest.spyOn(StateDir.prototype, 'flush').mockReturnValue(kept);
    take();
    acknowledge();
    await eventually(() => calls('create') === 1);
    await new Promise(setImmediate);
    expect(calls('start')).toBe(0);
    keep();
    await reaches(WAITING);
    expect(calls('start')).toBe(1);
    flush.mockRestore();
  });

  it('continues a start that a restart of the agent interrupted, though it is acknowledged before the first inspection', async () => {
    runtime.hold('start');
    take();
    acknowledge();
    await eventually(() => calls('start') === 1);
    expect(status()?.state).toBe(STARTING);
    drone.close();
    runtime.calls.length = 0;
    runtime.hold('inspect');
    drone = open();
    drone.adopt(new Map());
    acknowledge();
    runtime.release('start');
    runtime.release('inspect');
    await reaches(WAITING);
    expect([calls('create'), calls('start')]).toEqual([1, 1]);
  });

  it('gets one stop signal if its end was ordered while its agent was away, and its exit is noticed', async () => {
    runtime.hold('start');
    take();
    acknowledge();
    await eventually(() => calls('start') === 1);
    drone.close();
    runtime.condition = { is: 'running', endpoints };
    runtime.hold('inspect');
    drone = open();
    drone.adopt(new Map());
    acknowledge();
    drone.stop({ id: ID, force: false, reason: EndReason.REQUESTED });
    runtime.release('inspect');
    await eventually(() => calls('signal') > 0);
    runtime.condition = { is: 'exited', exit: { code: 3, outOfMemory: false } };
    await drone.find(ID)?.look();
    await reaches(TERMINATED);
    expect([status()?.exitCode, calls('signal')]).toEqual([3, 1]);
  });

  it('is not taken for gone by a look that began before its start', async () => {
    runtime.hold('start');
    take();
    acknowledge();
    await eventually(() => calls('start') === 1);
    runtime.hold('inspect');
    const looking = drone.find(ID)?.look();
    runtime.release('start');
    await reaches(WAITING);
    runtime.release('inspect');
    await looking;
    expect([status()?.state, drone.find(ID)?.life.ending]).toEqual([WAITING, undefined]);
  });
});
