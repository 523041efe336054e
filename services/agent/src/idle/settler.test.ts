import { AppError, type Clock, systemClock } from '@spawner/domain';
import { Node } from '@spawner/proto/internal/node';
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import type { SettleReply } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { ActivityKind } from '@spawner/proto/v1/explanation';
import { createLog, type Log } from '@spawner/service';
import { eventually } from '@spawner/testkit';
import { makeInstruments } from '../metrics.ts';
import { reported, type Usage, unusedSince, verified } from './idle.ts';
import { Settler } from './settler.ts';

const { OPEN, ENDED, UNSPECIFIED } = SettleOutcome;
const IDLE = 1_000;
const NOW = 5_000;
const EPOCH = 77;
const silent = createLog('test', 'silent');
const says = (open: number, held = 0, ageMs = 4_000): SettleReply => ({
  activity: { id: '', open, ageMs },
  ...{ held, registration: 0, unused: false },
});

/** One settler with backends that are due, and a scheduler, proxies and a kernel that say what a test wants. */
function scene(ids = ['a'], log: Log = silent) {
  const world = {
    now: NOW,
    proxies: ['p', 'q'],
    /** By registration, which is 10 for each proxy and replaced 9. */
    deadBy: {} as Record<string, number>,
    heard: [] as string[],
    withdrawn: async () => true,
    refusal: undefined as string | undefined,
    answers: async (_proxy: string, _id: string): Promise<SettleReply> => says(0),
    established: [0] as (number | undefined)[],
    look: async () => {},
    outcome: async (end: boolean): Promise<SettleOutcome> => (end ? ENDED : OPEN),
  };
  const told: string[] = [];
  const refusals: string[] = [];
  const clock: Clock = { ...systemClock, now: () => world.now, sleep: async () => {} };
  const backends = ids.map((id) => ({
    id,
    usage: unusedSince(0) as Usage,
    life: { status: { state: BackendState.READY as BackendState }, terms: { idleTimeoutMs: IDLE } },
    refused: (cause: string) => void refusals.push(cause),
    take(happening: { reason: EndReason }) {
      told.push(`stop ${id} ${happening.reason}`);
      this.life.status.state = BackendState.TERMINATING;
    },
  }));
  const settler = new Settler({
    droneId: 'd',
    clock,
    log,
    instruments: makeInstruments(),
    drone: {
      registration: 3,
      living: () => backends,
      runtime: {
        established: () => world.look().then(() => world.established.shift() ?? world.established[0]),
      },
    } as never,
    proxies: {
      heard: (proxyId, registration) => void world.heard.push(`${proxyId} ${registration}`),
      deadBy: (proxyId, registration) => world.deadBy[`${proxyId} ${registration}`],
    },
    bus: {
      ask: async (_: unknown, proxy: string, { id, epoch }: { id: string; epoch: number }) => {
        told.push(`ask ${proxy} ${id} ${epoch}`);
        return world.answers(proxy, id);
      },
    } as never,
    scheduler: {
      withdrawRoute: async ({ backendId, registration, droneId }) => {
        told.push(`withdraw ${backendId} ${registration} ${droneId}`);
        const withdrawn = await world.withdrawn();
        const { refusal } = world;
        const listed = { registration: 10, replacedRegistration: 9 };
        const proxies = world.proxies.map((id) => Node.fromPartial({ id, ...listed }));
        return { withdrawn, refusal, epoch: EPOCH, proxies };
      },
      settleRoute: async ({ backendId, end }) => {
        told.push(`${end ? 'end' : 'give back'} ${backendId}`);
        return { outcome: await world.outcome(end) };
      },
    },
  });
  const [backend] = backends;
  if (!backend) throw new Error('a scene has a backend');
  const last = (line: string) => eventually(() => told.at(-1) === line);
  return { world, told, refusals, settler, backends, backend, last };
}

describe('the settler', () => {
  it('withdraws, asks, looks, settles, and only then stops', async () => {
    const { told, settler, last } = scene();
    settler.turn();
    await last(`stop a ${EndReason.IDLE}`);
    expect(told).toEqual(['withdraw a 3 d', `ask p a ${EPOCH}`, `ask q a ${EPOCH}`, 'end a', 'stop a 1']);
  });

  it('gives the route back where the runtime does not answer, and says that it was the runtime', async () => {
    const { world, told, refusals, settler } = scene();
    world.look = () => Promise.reject(new Error('connect ENOENT /var/run/docker.sock'));
    settler.turn();
    await eventually(() => refusals.length > 0);
    expect(refusals).toEqual(['the runtime could not be asked']);
    expect(told.at(-1)).toBe('give back a');
  });

  it('does not begin twice, nor with what is not due', async () => {
    const { told, settler, backends, last } = scene(['a', 'b']);
    backends[1]!.usage = unusedSince(NOW - IDLE + 1);
    settler.turn();
    settler.turn();
    await last('stop a 1');
    expect(told.filter((line) => line.startsWith('withdraw'))).toEqual(['withdraw a 3 d']);
  });

  it('begins with nothing that is not ready, however long nobody used it', () => {
    const { told, settler, backend } = scene();
    for (const state of Object.values(BackendState)) {
      if (state === BackendState.READY) continue;
      backend.life.status.state = state;
      settler.turn();
    }
    expect(told).toEqual([]);
  });

  it('ends one of two, and gives the other back while it is in use', async () => {
    const { world, told, settler, backends } = scene(['a', 'b']);
    world.answers = async (proxy, id) => says(id === 'a' && proxy === 'q' ? 1 : 0);
    settler.turn();
    await eventually(() => told.includes('stop b 1') && told.includes('give back a'));
    expect(told).not.toContain('end a');
    await eventually(() => expect(backends[0]?.usage.activeAt).toBe(NOW));
  });

  it('keeps what a proxy answered of the last use, for whoever asks why it is alive or was ended', async () => {
    const { world, settler, backend, last } = scene();
    const exchange = { kind: ActivityKind.HTTP, path: '/seen' };
    world.answers = async (proxy) =>
      proxy === 'q' ? { ...says(0), activity: { id: '', open: 0, ageMs: 4_000, last: exchange } } : says(0);
    settler.turn();
    await last(`stop a ${EndReason.IDLE}`);
    expect(backend.usage.last).toEqual({ at: NOW - 4_000, proxyId: 'q', ...exchange });
  });

  it('takes silence for use', async () => {
    const { world, settler, backend, refusals, last } = scene();
    world.answers = async (proxy) => {
      if (proxy === 'q') throw new Error('nobody answers');
      return says(0);
    };
    settler.turn();
    await last('give back a');
    expect(backend.usage.activeAt).toBe(NOW);
    expect(refusals).toEqual(['no answer from q']);
  });

  it('does not wait for the answer of a proxy whose process is dead', async () => {
    const { world, settler, backend, last } = scene();
    world.deadBy = { 'q 10': NOW - IDLE };
    world.answers = async (proxy) => {
      if (proxy === 'q') throw new Error('nobody answers');
      return says(0);
    };
    settler.turn();
    await last('stop a 1');
    expect(world.heard).toEqual(['p 10', 'q 10']);
    expect(backend.usage.activeAt).toBe(NOW - IDLE);
  });

  it('waits for a proxy that asked after the backend since it reported, for that may be another process', async () => {
    const { world, settler, backend, refusals, last } = scene();
    world.deadBy = { 'q 10': NOW - IDLE };
    world.answers = async (proxy) => {
      if (proxy === 'q') throw new Error('nobody answers');
      return says(0);
    };
    backend.usage = verified(reported(unusedSince(0), 'q', 10, { open: 0, ageMs: 0 }, 0), 'q', 0);
    settler.turn();
    await last('give back a');
    expect(refusals).toEqual(['no answer from q']);
  });

  it('asks of the registration that it heard of last, where the list has an older one', async () => {
    const { world, settler, backend, last } = scene();
    backend.usage = reported(unusedSince(0), 'q', 11, { open: 1, ageMs: 0 }, 1_000);
    world.deadBy = { 'q 10': 2_000 };
    world.answers = async (proxy) => {
      if (proxy === 'q') throw new Error('nobody answers');
      return says(0);
    };
    settler.turn();
    await last('give back a');
  });

  it.each<[string, Partial<SettleReply>, Record<string, number>, number]>([
    ['of the one before it', { registration: 10, unused: true }, { 'q 9': 4_100 }, 4_100],
    ['of itself, where it had a use', { registration: 10 }, { 'q 9': 4_100 }, 4_800],
    ['of itself, where the one before may live', { registration: 10, unused: true }, {}, 4_800],
    ['of the listed one, where it is not registered yet', { unused: true }, { 'q 10': 4_100 }, 4_100],
    ['of now, where it is not registered yet and the listed one may live', { unused: true }, {}, NOW],
    [
      'of the listed one, where it is registered since',
      { registration: 11, unused: true },
      { 'q 10': 4_100 },
      4_100,
    ],
    ['of itself, where the listed one may live', { registration: 11, unused: true }, { 'q 9': 4_100 }, 4_800],
  ])('takes of a proxy that has begun since the age %s', async (_, reply, deadBy, activeAt) => {
    const { world, settler, backend, last } = scene();
    world.deadBy = deadBy;
    world.answers = async (proxy) => (proxy === 'q' ? { ...says(0, 0, 200), ...reply } : says(0));
    settler.turn();
    await last('give back a');
    expect(backend.usage.activeAt).toBe(activeAt);
  });

  it('gives back for a held request', async () => {
    const { world, settler, last } = scene();
    world.answers = async () => says(0, 1);
    settler.turn();
    await last('give back a');
  });

  it('looks once more while connections are closing, and gives back what stays connected', async () => {
    const closing = scene();
    closing.world.established = [2, 1, 0];
    closing.settler.turn();
    await closing.last('stop a 1');
    const connected = scene();
    connected.world.established = Array(20).fill(1);
    connected.settler.turn();
    await connected.last('give back a');
    expect(connected.world.established).toEqual([]);
    expect(connected.backend.usage.activeAt).toBe(NOW);
    expect([closing.refusals, connected.refusals]).toEqual([[], ['kernel: 1 established']]);
  });

  it('asks the proxies again about what stays connected: a use may have begun, and be over, since they were asked', async () => {
    const { world, told, settler, backend, refusals, last } = scene();
    world.established = Array(20).fill(1);
    let asked = 0;
    world.answers = async () => {
      asked += 1;
      if (asked > 2) world.established = [0];
      return says(0, 0, asked > 2 ? 300 : 4_000);
    };
    settler.turn();
    await last('give back a');
    expect(told.filter((line) => line.startsWith('ask'))).toHaveLength(4);
    // Not from now, but from the age that they told.
    expect(backend.usage.activeAt).toBe(NOW - 300);
    expect(refusals).toEqual(['a proxy had used it since']);
  });

  it("goes by the proxies' word where the kernel cannot be asked", async () => {
    const { world, settler, last } = scene();
    world.established = [undefined];
    settler.turn();
    await last('stop a 1');
  });

  it('obeys a proxy that was first', async () => {
    const { world, told, refusals, settler, backend } = scene();
    world.outcome = async () => {
      world.now += 900;
      return OPEN;
    };
    settler.turn();
    // The request came after the withdrawal; its own age is told at the next one.
    await eventually(() => backend.usage.activeAt === NOW);
    expect(told.at(-1)).toBe('end a');
    expect(refusals).toEqual(['a request came meanwhile']);
    expect(backend.life.status.state).toBe(BackendState.READY);
  });

  it('does nothing where nothing was withdrawn, and tries again after a rest', async () => {
    const { world, told, settler, last } = scene();
    world.withdrawn = async () => false;
    settler.turn();
    await last('withdraw a 3 d');
    await eventually(() => {
      settler.turn();
      expect(told).toEqual(['withdraw a 3 d']);
    });
    world.now += 999;
    settler.turn();
    expect(told).toHaveLength(1);
    world.now += 1;
    world.withdrawn = async () => true;
    settler.turn();
    await last('stop a 1');
  });

  it('says why nothing was withdrawn where the scheduler does', async () => {
    const { world, settler, refusals } = scene();
    world.withdrawn = async () => false;
    for (const refusal of ['the store began anew', undefined]) {
      world.refusal = refusal;
      settler.turn();
      await eventually(() => refusals.length === (refusal ? 1 : 2));
      world.now += 1_000;
    }
    expect(refusals).toEqual(['the store began anew', 'its route could not be withdrawn']);
  });

  it('ends nothing while the scheduler is away', async () => {
    const { world, told, settler, backend } = scene();
    world.withdrawn = async () => {
      throw new Error('away');
    };
    settler.turn();
    await eventually(() => {
      world.now += 1_000;
      settler.turn();
      expect(told.length).toBeGreaterThanOrEqual(3);
    });
    expect(new Set(told)).toEqual(new Set(['withdraw a 3 d']));
    expect(backend.usage).toEqual(unusedSince(0));
  });

  it('asks what became of an end whose answer was lost, and obeys', async () => {
    const { world, told, settler, last } = scene();
    world.outcome = async (end) => {
      if (end) throw new Error('no answer');
      return ENDED;
    };
    settler.turn();
    await last('stop a 1');
    expect(told.slice(-3)).toEqual(['end a', 'give back a', 'stop a 1']);
  });

  it('stops nothing where nobody can tell', async () => {
    const { world, told, settler } = scene();
    world.outcome = async () => UNSPECIFIED;
    settler.turn();
    await eventually(() => told.at(-1) === 'give back a');
    expect(told.join()).not.toContain('stop');
  });

  it('gives back what took too long to ask', async () => {
    const { world, settler, last } = scene();
    world.answers = async () => {
      world.now = NOW + 7_000;
      return says(0, 0, 60_000);
    };
    settler.turn();
    await last('give back a');
  });

  it('has so many under way at once', async () => {
    const { world, told, settler } = scene(Array.from({ length: 40 }, (_, index) => `b${index}`));
    const held = Promise.withResolvers<boolean>();
    world.withdrawn = () => held.promise;
    settler.turn();
    expect(told).toHaveLength(32);
    held.resolve(true);
    await eventually(() => {
      settler.turn();
      expect(told.filter((line) => line.startsWith('stop'))).toHaveLength(40);
    });
  });

  it('says once that ends cannot be settled, and once that they can again', async () => {
    const lines: string[] = [];
    const write = (_: object, text: string) => void lines.push(text);
    const ids = Array.from({ length: 20 }, (_, index) => `b${index}`);
    const { world, settler, refusals } = scene(ids, { warn: write, info: write } as unknown as Log);
    world.established = Array<number>(100).fill(0);
    world.withdrawn = async () => {
      throw new AppError('unavailable', 'the store is not reachable');
    };
    await eventually(() => {
      world.now += 1_001;
      settler.turn();
      expect(refusals.length).toBeGreaterThan(3 * ids.length);
    });
    expect(lines).toEqual(['ends for idleness cannot be settled']);
    world.withdrawn = async () => true;
    await eventually(() => {
      world.now += 1_001;
      settler.turn();
      expect(lines.length).toBeGreaterThan(1);
    });
    expect(lines[1]).toBe('ends for idleness can be settled again');
  });
});
