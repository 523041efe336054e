import { AppError, type Clock, systemClock } from '@spawner/domain';
import { Node } from '@spawner/proto/internal/node';
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import type { SettleReply } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { ActivityKind } from '@spawner/proto/v1/explanation';
import { createLog, type Log } from '@spawner/service';
import { eventually } from '@spawner/testkit';
import { createMetrics } from '../metrics.ts';
import { Settler } from './settler.ts';
import { reported, type Usage, unusedSince, verified } from './usage.ts';

const { OPEN, ENDED, UNSPECIFIED } = SettleOutcome;
const IDLE = 1_000;
const NOW = 5_000;
const EPOCH = 77;
const silent = createLog('test', 'silent');
const says = (open: number, held = 0, ageMs = 4_000): SettleReply => ({
  activity: { id: '', open, ageMs },
  ...{ held, registration: 0, unused: false },
});

/** A settler with due backends. The test sets the answers of the scheduler, the proxies and the kernel. */
function scene(ids = ['a'], log: Log = silent) {
  const world = {
    now: NOW,
    proxies: ['p', 'q'],
    /** By proxy and registration. Each proxy has registration 10, which replaced 9. */
    deadBy: {} as Record<string, number>,
    learnt: [] as string[],
    suspended: async () => true,
    refusal: undefined as string | undefined,
    answers: async (_proxy: string, _id: string): Promise<SettleReply> => says(0),
    established: [0] as (number | undefined)[],
    look: async () => {},
    outcome: async (end: boolean): Promise<SettleOutcome> => (end ? ENDED : OPEN),
  };
  const calls: string[] = [];
  const refusals: string[] = [];
  const clock: Clock = { ...systemClock, now: () => world.now, sleep: async () => {} };
  const backends = ids.map((id) => ({
    id,
    usage: unusedSince(0) as Usage,
    life: { status: { state: BackendState.READY as BackendState }, terms: { idleTimeoutMs: IDLE } },
    refused: (cause: string) => void refusals.push(cause),
    take(event: { reason: EndReason }) {
      calls.push(`stop ${id} ${event.reason}`);
      this.life.status.state = BackendState.TERMINATING;
    },
  }));
  const settler = new Settler({
    droneId: 'd',
    clock,
    log,
    metrics: createMetrics(),
    drone: {
      registration: 3,
      living: () => backends,
      runtime: {
        established: () => world.look().then(() => world.established.shift() ?? world.established[0]),
      },
    } as never,
    proxies: {
      learn: (proxyId, registration) => void world.learnt.push(`${proxyId} ${registration}`),
      deadBy: (proxyId, registration) => world.deadBy[`${proxyId} ${registration}`],
    },
    bus: {
      ask: async (_: unknown, proxy: string, { id, epoch }: { id: string; epoch: number }) => {
        calls.push(`ask ${proxy} ${id} ${epoch}`);
        return world.answers(proxy, id);
      },
    } as never,
    scheduler: {
      suspendRoute: async ({ backendId, registration, droneId }) => {
        calls.push(`suspend ${backendId} ${registration} ${droneId}`);
        const suspended = await world.suspended();
        const { refusal } = world;
        const listed = { registration: 10, replacedRegistration: 9 };
        const proxies = world.proxies.map((id) => Node.fromPartial({ id, ...listed }));
        return { suspended, refusal, epoch: EPOCH, proxies };
      },
      settleRoute: async ({ backendId, end }) => {
        calls.push(`${end ? 'end' : 'resume'} ${backendId}`);
        return { outcome: await world.outcome(end) };
      },
    },
  });
  const [backend] = backends;
  if (!backend) throw new Error('a scene has a backend');
  const last = (line: string) => eventually(() => calls.at(-1) === line);
  return { world, calls, refusals, settler, backends, backend, last };
}

describe('the settler', () => {
  it('suspends, asks, looks, settles, and only then stops', async () => {
    const { calls, settler, last } = scene();
    settler.turn();
    await last(`stop a ${EndReason.IDLE}`);
    expect(calls).toEqual(['suspend a 3 d', `ask p a ${EPOCH}`, `ask q a ${EPOCH}`, 'end a', 'stop a 1']);
  });

  it('resumes the route if the runtime does not answer, and names the runtime as the cause', async () => {
    const { world, calls, refusals, settler } = scene();
    world.look = () => Promise.reject(new Error('connect ENOENT /var/run/docker.sock'));
    settler.turn();
    await eventually(() => refusals.length > 0);
    expect(refusals).toEqual(['the runtime could not be asked']);
    expect(calls.at(-1)).toBe('resume a');
  });

  it('does not attempt a backend twice, or one that is not due', async () => {
    const { calls, settler, backends, last } = scene(['a', 'b']);
    backends[1]!.usage = unusedSince(NOW - IDLE + 1);
    settler.turn();
    settler.turn();
    await last('stop a 1');
    expect(calls.filter((line) => line.startsWith('suspend'))).toEqual(['suspend a 3 d']);
  });

  it('attempts no backend that is not ready, however long it was unused', () => {
    const { calls, settler, backend } = scene();
    for (const state of Object.values(BackendState)) {
      if (state === BackendState.READY) continue;
      backend.life.status.state = state;
      settler.turn();
    }
    expect(calls).toEqual([]);
  });

  it('ends one of two, and resumes the other while it is in use', async () => {
    const { world, calls, settler, backends } = scene(['a', 'b']);
    world.answers = async (proxy, id) => says(id === 'a' && proxy === 'q' ? 1 : 0);
    settler.turn();
    await eventually(() => calls.includes('stop b 1') && calls.includes('resume a'));
    expect(calls).not.toContain('end a');
    await eventually(() => expect(backends[0]?.usage.activeAt).toBe(NOW));
  });

  it('keeps the last use that a proxy answered, for ExplainBackend', async () => {
    const { world, settler, backend, last } = scene();
    const exchange = { kind: ActivityKind.HTTP, path: '/seen' };
    world.answers = async (proxy) =>
      proxy === 'q' ? { ...says(0), activity: { id: '', open: 0, ageMs: 4_000, last: exchange } } : says(0);
    settler.turn();
    await last(`stop a ${EndReason.IDLE}`);
    expect(backend.usage.last).toEqual({ at: NOW - 4_000, proxyId: 'q', ...exchange });
  });

  it('counts silence as use', async () => {
    const { world, settler, backend, refusals, last } = scene();
    world.answers = async (proxy) => {
      if (proxy === 'q') throw new Error('no answer');
      return says(0);
    };
    settler.turn();
    await last('resume a');
    expect(backend.usage.activeAt).toBe(NOW);
    expect(refusals).toEqual(['no answer from q']);
  });

  it('does not wait for the answer of a proxy whose process is dead', async () => {
    const { world, settler, backend, last } = scene();
    world.deadBy = { 'q 10': NOW - IDLE };
    world.answers = async (proxy) => {
      if (proxy === 'q') throw new Error('no answer');
      return says(0);
    };
    settler.turn();
    await last('stop a 1');
    expect(world.learnt).toEqual(['p 10', 'q 10']);
    expect(backend.usage.activeAt).toBe(NOW - IDLE);
  });

  it('waits for a proxy that verified the backend since its report, because it may be another process', async () => {
    const { world, settler, backend, refusals, last } = scene();
    world.deadBy = { 'q 10': NOW - IDLE };
    world.answers = async (proxy) => {
      if (proxy === 'q') throw new Error('no answer');
      return says(0);
    };
    backend.usage = verified(reported(unusedSince(0), 'q', 10, { open: 0, ageMs: 0 }, 0), 'q', 0);
    settler.turn();
    await last('resume a');
    expect(refusals).toEqual(['no answer from q']);
  });

  it('checks the latest registration that it knows if the list has an older one', async () => {
    const { world, settler, backend, last } = scene();
    backend.usage = reported(unusedSince(0), 'q', 11, { open: 1, ageMs: 0 }, 1_000);
    world.deadBy = { 'q 10': 2_000 };
    world.answers = async (proxy) => {
      if (proxy === 'q') throw new Error('no answer');
      return says(0);
    };
    settler.turn();
    await last('resume a');
  });

  it.each<[string, Partial<SettleReply>, Record<string, number>, number]>([
    ['of its predecessor', { registration: 10, unused: true }, { 'q 9': 4_100 }, 4_100],
    ['of itself if it was used', { registration: 10 }, { 'q 9': 4_100 }, 4_800],
    ['of itself if its predecessor may live', { registration: 10, unused: true }, {}, 4_800],
    ['of the listed process if it is not registered yet', { unused: true }, { 'q 10': 4_100 }, 4_100],
    ['of now if it is not registered yet and the listed process may live', { unused: true }, {}, NOW],
    [
      'of the listed process if it has registered since',
      { registration: 11, unused: true },
      { 'q 10': 4_100 },
      4_100,
    ],
    ['of itself if the listed process may live', { registration: 11, unused: true }, { 'q 9': 4_100 }, 4_800],
  ])('takes from a restarted proxy the age %s', async (_, reply, deadBy, activeAt) => {
    const { world, settler, backend, last } = scene();
    world.deadBy = deadBy;
    world.answers = async (proxy) => (proxy === 'q' ? { ...says(0, 0, 200), ...reply } : says(0));
    settler.turn();
    await last('resume a');
    expect(backend.usage.activeAt).toBe(activeAt);
  });

  it('resumes for a held request', async () => {
    const { world, settler, last } = scene();
    world.answers = async () => says(0, 1);
    settler.turn();
    await last('resume a');
  });

  it('looks again while connections are closing, and resumes if one stays', async () => {
    const closing = scene();
    closing.world.established = [2, 1, 0];
    closing.settler.turn();
    await closing.last('stop a 1');
    const connected = scene();
    connected.world.established = Array(20).fill(1);
    connected.settler.turn();
    await connected.last('resume a');
    expect(connected.world.established).toEqual([]);
    expect(connected.backend.usage.activeAt).toBe(NOW);
    expect([closing.refusals, connected.refusals]).toEqual([[], ['kernel: 1 established']]);
  });

  it('asks the proxies again if a connection stays, because a use may have come and gone since', async () => {
    const { world, calls, settler, backend, refusals, last } = scene();
    world.established = Array(20).fill(1);
    let asked = 0;
    world.answers = async () => {
      asked += 1;
      if (asked > 2) world.established = [0];
      return says(0, 0, asked > 2 ? 300 : 4_000);
    };
    settler.turn();
    await last('resume a');
    expect(calls.filter((line) => line.startsWith('ask'))).toHaveLength(4);
    // The clock continues from the age that they answered, not from now.
    expect(backend.usage.activeAt).toBe(NOW - 300);
    expect(refusals).toEqual(['a proxy had used it since']);
  });

  it('relies on the proxies if the kernel cannot be asked', async () => {
    const { world, settler, last } = scene();
    world.established = [undefined];
    settler.turn();
    await last('stop a 1');
  });

  it('obeys a proxy that resumed the route first', async () => {
    const { world, calls, refusals, settler, backend } = scene();
    world.outcome = async () => {
      world.now += 900;
      return OPEN;
    };
    settler.turn();
    // The request came after the suspension. Its own age comes with the next answer.
    await eventually(() => backend.usage.activeAt === NOW);
    expect(calls.at(-1)).toBe('end a');
    expect(refusals).toEqual(['a request came meanwhile']);
    expect(backend.life.status.state).toBe(BackendState.READY);
  });

  it('does nothing if the route was not suspended, and tries again after a rest', async () => {
    const { world, calls, settler, last } = scene();
    world.suspended = async () => false;
    settler.turn();
    await last('suspend a 3 d');
    await eventually(() => {
      settler.turn();
      expect(calls).toEqual(['suspend a 3 d']);
    });
    world.now += 999;
    settler.turn();
    expect(calls).toHaveLength(1);
    world.now += 1;
    world.suspended = async () => true;
    settler.turn();
    await last('stop a 1');
  });

  it("keeps the scheduler's reason for not suspending the route", async () => {
    const { world, settler, refusals } = scene();
    world.suspended = async () => false;
    for (const refusal of ['the store opened a new epoch', undefined]) {
      world.refusal = refusal;
      settler.turn();
      await eventually(() => refusals.length === (refusal ? 1 : 2));
      world.now += 1_000;
    }
    expect(refusals).toEqual(['the store opened a new epoch', 'its route could not be suspended']);
  });

  it('ends nothing while the scheduler is away', async () => {
    const { world, calls, settler, backend } = scene();
    world.suspended = async () => {
      throw new Error('away');
    };
    settler.turn();
    await eventually(() => {
      world.now += 1_000;
      settler.turn();
      expect(calls.length).toBeGreaterThanOrEqual(3);
    });
    expect(new Set(calls)).toEqual(new Set(['suspend a 3 d']));
    expect(backend.usage).toEqual(unusedSince(0));
  });

  it('asks for the outcome of an end whose answer was lost, and obeys', async () => {
    const { world, calls, settler, last } = scene();
    world.outcome = async (end) => {
      if (end) throw new Error('no answer');
      return ENDED;
    };
    settler.turn();
    await last('stop a 1');
    expect(calls.slice(-3)).toEqual(['end a', 'resume a', 'stop a 1']);
  });

  it('stops nothing if the store does not know the outcome', async () => {
    const { world, calls, settler } = scene();
    world.outcome = async () => UNSPECIFIED;
    settler.turn();
    await eventually(() => calls.at(-1) === 'resume a');
    expect(calls.join()).not.toContain('stop');
  });

  it('resumes if the inquiry took too long', async () => {
    const { world, settler, last } = scene();
    world.answers = async () => {
      world.now = NOW + 7_000;
      return says(0, 0, 60_000);
    };
    settler.turn();
    await last('resume a');
  });

  it('makes at most 32 attempts at once', async () => {
    const { world, calls, settler } = scene(Array.from({ length: 40 }, (_, index) => `b${index}`));
    const held = Promise.withResolvers<boolean>();
    world.suspended = () => held.promise;
    settler.turn();
    expect(calls).toHaveLength(32);
    held.resolve(true);
    await eventually(() => {
      settler.turn();
      expect(calls.filter((line) => line.startsWith('stop'))).toHaveLength(40);
    });
  });

  it('logs once that idle shutdowns cannot be settled, and once that they can again', async () => {
    const lines: string[] = [];
    const write = (_: object, text: string) => void lines.push(text);
    const ids = Array.from({ length: 20 }, (_, index) => `b${index}`);
    const { world, settler, refusals } = scene(ids, { warn: write, info: write } as unknown as Log);
    world.established = Array<number>(100).fill(0);
    world.suspended = async () => {
      throw new AppError('unavailable', 'the store is not reachable');
    };
    await eventually(() => {
      world.now += 1_001;
      settler.turn();
      expect(refusals.length).toBeGreaterThan(3 * ids.length);
    });
    expect(lines).toEqual(['idle shutdowns cannot be settled']);
    world.suspended = async () => true;
    await eventually(() => {
      world.now += 1_001;
      settler.turn();
      expect(lines.length).toBeGreaterThan(1);
    });
    expect(lines[1]).toBe('idle shutdowns can be settled again');
  });
});
