import { type Clock, systemClock } from '@spawner/domain';
import { StartBackendRequest } from '@spawner/proto/internal/agent_service';
import { BackendStatus } from '@spawner/proto/internal/backend_status';
import { type BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { eventually, type TempDir, tempDir } from '@spawner/testkit';
import { createMetrics } from '../metrics.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { Journal } from '../state/journal.ts';
import { StateDir } from '../state/state-dir.ts';
import { Drone } from './drone.ts';
import { StartQueue } from './start-queue.ts';

const { LOADING, WAITING, READY, TERMINATED } = BackendState;

function scene(atOnce: number) {
  const clock = { at: 0, now: () => clock.at };
  const queue = new StartQueue({ atOnce, clock });
  const admitted: string[] = [];
  const leaving = new Map<string, AbortController>();
  let placement = 0;
  /** A spawn with a key of this namespace, or without a key. Its id begins with the namespace. */
  const enter = (id: string, namespace?: string, of = ++placement) => {
    const cancel = new AbortController();
    leaving.set(id, cancel);
    const key = namespace === undefined ? undefined : { namespace };
    return queue.enter({ id, placement: of, key }, cancel.signal).then(
      () => void admitted.push(id),
      () => {},
    );
  };
  const cancel = (id: string) => leaving.get(id)?.abort(new Error('cancelled'));
  const settled = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return admitted.splice(0).join(' ');
  };
  return { clock, queue, enter, cancel, settled };
}

describe('the start queue', () => {
  it('admits so many at once, and the next when a backend is ready or has ended', async () => {
    const { queue, enter, settled } = scene(2);
    for (const id of ['a', 'b', 'c', 'd']) void enter(id);
    expect([await settled(), queue.waiting]).toEqual(['a b', 2]);
    queue.leave('b');
    expect(await settled()).toBe('c');
    queue.leave('b');
    queue.leave('unknown');
    expect([await settled(), queue.waiting]).toEqual(['', 1]);
    queue.leave('a');
    expect([await settled(), queue.waiting]).toEqual(['d', 0]);
  });

  it('gives no place after a restart before all that waited have entered, each in its order', async () => {
    const { queue, enter, settled } = scene(2);
    queue.resume(['a'], ['b', 'c', 'd']);
    void enter('c', undefined, 3);
    void enter('e', undefined, 5);
    void enter('a', undefined, 1);
    expect(await settled()).toBe('a');
    queue.leave('d');
    expect([await settled(), queue.busy]).toEqual(['', true]);
    void enter('b', undefined, 2);
    expect(await settled()).toBe('b');
    queue.ready('a');
    expect(await settled()).toBe('c');
  });

  it('waits a minute, and no longer, for those that waited before a restart', async () => {
    const { clock, queue, enter, settled } = scene(2);
    queue.resume([], ['a', 'b']);
    void enter('b', undefined, 2);
    clock.at = 59_999;
    queue.tick();
    expect(await settled()).toBe('');
    clock.at = 60_000;
    queue.tick();
    expect(await settled()).toBe('b');
  });

  it('is busy while a start waits or has a place', async () => {
    const { queue, enter, cancel, settled } = scene(1);
    expect(queue.busy).toBe(false);
    for (const id of ['a', 'b']) void enter(id);
    cancel('b');
    expect([await settled(), queue.busy]).toEqual(['a', true]);
    queue.leave('a');
    expect([queue.waiting, queue.busy]).toEqual([0, false]);
  });

  it('lets key namespaces take turns, with spawns without a key as one of them', async () => {
    const { queue, enter, settled } = scene(1);
    void enter('first');
    for (const id of ['a1', 'a2', 'a3', 'a4']) void enter(id, 'a');
    for (const id of ['free1', 'free2']) void enter(id);
    for (const id of ['b1', 'b2']) void enter(id, 'b');
    void enter('empty1', '');
    const order: string[] = [];
    for (let last = await settled(); last !== ''; last = await settled()) {
      order.push(last);
      queue.leave(last);
    }
    expect(order.join(' ')).toBe('first a1 free1 b1 empty1 a2 free2 b2 a3 a4');
  });

  it('is first come, first served by the order of the spawns, however they return after a restart', async () => {
    const { queue, enter, settled } = scene(1);
    void enter('x', undefined, 1);
    for (const placement of [4, 2, 5, 3, 2]) void enter(`p${placement}`, undefined, placement);
    await settled();
    const order: string[] = [];
    for (let last = 'x'; last !== ''; last = await settled()) {
      order.push(last);
      queue.leave(last);
    }
    expect(order.join(' ')).toBe('x p2 p2 p3 p4 p5');
  });

  it('is left at no cost: a cancelled start takes no place and no turn', async () => {
    const { queue, enter, cancel, settled } = scene(1);
    void enter('a');
    void enter('b1', 'b');
    for (const id of ['c1', 'c2']) void enter(id, 'c');
    await settled();
    const late = enter('d', 'd');
    for (const id of ['b1', 'c1', 'd']) cancel(id);
    await late;
    expect(queue.waiting).toBe(1);
    queue.leave('a');
    expect([await settled(), queue.waiting]).toEqual(['c2', 0]);
    cancel('c2');
    void enter('e');
    expect(await settled()).toBe('');
    queue.leave('c2');
    expect(await settled()).toBe('e');
  });

  it('is not entered by a start that was cancelled before', async () => {
    const { queue } = scene(1);
    const entering = queue.enter({ id: 'a', placement: 1 }, AbortSignal.abort(new Error('cancelled')));
    await expect(entering).rejects.toThrow('cancelled');
    expect(queue.waiting).toBe(0);
  });

  it('gives a place away 5 s after the start of a slow program, and not before its start', async () => {
    const { clock, queue, enter, settled } = scene(1);
    const tick = (at: number) => {
      clock.at = at;
      queue.tick();
    };
    for (const id of ['slow', 'next', 'last']) void enter(id);
    expect(await settled()).toBe('slow');
    tick(1_000_000);
    expect(await settled()).toBe('');
    queue.started('slow');
    tick(1_004_999);
    expect(await settled()).toBe('');
    tick(1_005_000);
    expect(await settled()).toBe('next');
    queue.started('slow');
    tick(2_000_000);
    expect(await settled()).toBe('');
  });

  it('tells the order in which it serves, whatever the namespaces and who leaves', async () => {
    const { queue, enter, cancel, settled } = scene(1);
    void enter('first');
    for (const id of ['a1', 'a2', 'a3', 'a4']) void enter(id, 'a');
    for (const id of ['free1', 'free2']) void enter(id);
    for (const id of ['b1', 'b2']) void enter(id, 'b');
    for (const id of ['a1', 'b1', 'b2']) cancel(id);
    await settled();
    const order = () => queue.order().map(({ id }) => id);
    const told = order();
    expect(told).toEqual(['a2', 'free1', 'a3', 'free2', 'a4']);
    const served: string[] = [];
    for (let last = 'first'; told.length > served.length; last = served.at(-1) ?? '') {
      queue.leave(last);
      served.push(await settled());
      expect(order()).toEqual(told.slice(served.length));
    }
    expect(served).toEqual(told);
    expect(order()).toEqual([]);
  });

  it('expects waits as soon as a start was ready, and learns nothing from one that ended', async () => {
    const { clock, queue, enter, settled } = scene(2);
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) void enter(id);
    await settled();
    clock.at = 400;
    queue.leave('a');
    const waits = () => queue.order().map(({ expectedWaitMs }) => expectedWaitMs);
    expect(waits()).toEqual([undefined, undefined, undefined]);
    clock.at = 1_000;
    queue.ready('b');
    // "c" has its place since 400, "d" since now; each keeps it for a second.
    expect(waits()).toEqual([1_400, 2_000]);
    expect(queue.load(2)).toEqual({ places: 2, pending: 4, room: 998, startMs: 1_000 });
    clock.at = 1_300;
    expect(waits()).toEqual([1_100, 1_700]);
  });

  it('takes the start of a slow program for over when it gives its place away', async () => {
    const { clock, queue, enter, settled } = scene(1);
    for (const id of ['slow', 'next', 'last']) void enter(id);
    await settled();
    clock.at = 200;
    queue.started('slow');
    clock.at = 5_200;
    queue.tick();
    expect(queue.order()).toEqual([{ id: 'last', expectedWaitMs: 10_400 }]);
  });
});

/** A runtime that notes its calls. Its programs never answer. */
function notingRuntime(calls: string[]): Runtime {
  const running = new Set<string>();
  const endpoints = { local: { host: '127.0.0.1', port: 1 } };
  const runtime: Partial<Runtime> = {
    pull: async ({ image }) => void calls.push(`pull ${image}`),
    create: async ({ id }) => void calls.push(`create ${id}`),
    start: async (id) => {
      calls.push(`start ${id}`);
      running.add(id);
      return endpoints;
    },
    remove: async (id) => void running.delete(id),
    inspect: async (id) => (running.has(id) ? { is: 'running', endpoints } : { is: 'absent' }),
  };
  return runtime as Runtime;
}

describe('a drone', () => {
  const log = createLog('test', 'silent');
  let calls: string[];
  let runtime: Runtime;
  let temp: TempDir;
  let drone: Drone;
  let now: number;
  let placement = 0;
  const clock: Clock = { ...systemClock, now: () => now };
  const open = (room: { atOnce: number; most?: number }) => {
    const journal = new Journal(new StateDir(temp.path), 'boot', log);
    const starts = new StartQueue({ ...room, clock });
    drone = new Drone({ runtime, journal, clock, log, starts, metrics: createMetrics() });
  };
  const hear = (id: string) => drone.acknowledge([BackendStatus.fromPartial({ id, revision: 1 })]);
  const start = (id: string, spec: Partial<BackendSpec> = {}) => {
    const request = { id, placement: ++placement, spec: { image: id, ...spec } };
    drone.start(StartBackendRequest.fromPartial(request));
    hear(id);
  };
  const stateOf = (id: string) => drone.find(id)?.life.status.state;
  const reaches = (id: string, state: BackendState) => eventually(() => stateOf(id) === state);
  const passes = (at: number) => {
    now = at;
    drone.tick();
  };

  beforeEach(async () => {
    temp = await tempDir('drone');
    now = 0;
    calls = [];
    runtime = notingRuntime(calls);
  });
  afterEach(async () => {
    drone.close();
    await temp.stop();
  });

  it('starts so many at once, and the next when one answers, has ended or is slow', async () => {
    open({ atOnce: 2 });
    const ids = ['a', 'b', 'c', 'd', 'e'];
    for (const id of ids) start(id);
    const states = () => ids.map(stateOf);
    const come = (...expected: BackendState[]) => eventually(() => expect(states()).toEqual(expected));
    await come(WAITING, WAITING, LOADING, LOADING, LOADING);
    drone.find('a')?.take({ type: 'answered' });
    await come(READY, WAITING, WAITING, LOADING, LOADING);
    drone.stop({ id: 'c', force: true, reason: EndReason.REQUESTED });
    await come(READY, WAITING, TERMINATED, WAITING, LOADING);
    passes(5_000);
    await come(READY, WAITING, TERMINATED, WAITING, WAITING);
  });

  it('removes a start from the queue without a container, and counts the wait on no clock', async () => {
    open({ atOnce: 1 });
    for (const id of ['a', 'b', 'c']) start(id, { pullTimeoutMs: 1_000, startupTimeoutMs: 1_000_000 });
    await reaches('a', WAITING);
    await eventually(() => expect(calls).toContain('pull c'));
    drone.stop({ id: 'b', force: false, reason: EndReason.REQUESTED });
    await reaches('b', TERMINATED);
    passes(4_999);
    expect(stateOf('c')).toBe(LOADING);
    passes(5_000);
    await reaches('c', WAITING);
    expect(calls.filter((call) => /^(create|start) /.test(call))).toEqual([
      'create a',
      'start a',
      'create c',
      'start c',
    ]);
  });

  it('lets a start wait again after a restart, with its image, in the order of the spawns', async () => {
    open({ atOnce: 1 });
    for (const id of ['c', 'b', 'a']) start(id);
    await reaches('c', WAITING);
    await eventually(() => expect(calls).toContain('pull a'));
    drone.close();
    open({ atOnce: 1 });
    calls.length = 0;
    drone.adopt(new Map());
    for (const id of ['a', 'b']) hear(id);
    await reaches('b', WAITING);
    passes(5_000);
    await reaches('a', WAITING);
    expect(calls).toEqual(['create b', 'start b', 'create a', 'start a']);
  });

  it('refuses a start before it is journalled if too many wait', async () => {
    open({ atOnce: 1, most: 2 });
    for (const id of ['a', 'b', 'c']) {
      start(id);
      if (id === 'a') await reaches(id, WAITING);
    }
    expect(() => start('d')).toThrow(expect.objectContaining({ code: 'exhausted' }));
    expect(drone.inventory().map(({ status }) => status?.id)).toEqual(['a', 'b', 'c']);
    expect(new StateDir(temp.path).below('backends').names().sort()).toEqual(['a.json', 'b.json', 'c.json']);
    start('c');
    drone.stop({ id: 'b', force: true, reason: EndReason.REQUESTED });
    start('d');
  });
});
