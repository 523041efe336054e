import { type Bus, SUBJECTS } from '@spawner/bus';
import { systemClock } from '@spawner/domain';
import { BackendState } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { eventually } from '@spawner/testkit';
import type { Backend } from '../lifecycle/backend.ts';
import type { Drone } from '../lifecycle/drone.ts';
import type { LogOptions, Runtime } from '../runtime/runtime.ts';
import { Telemetry } from './telemetry.ts';

const ID = 'a';

/** Telemetry of one ready backend, over a runtime whose streams break while `breaks` is set. */
function follow(breaks: (what: 'logs' | 'stats') => boolean, logsOnBus = true) {
  const told: string[] = [];
  const tails: (number | undefined)[] = [];
  const runtime: Pick<Runtime, 'logs' | 'stats'> = {
    async *logs(_: string, { tailLines, signal }: LogOptions) {
      tails.push(tailLines);
      yield { stream: 1, text: `line ${tails.length}` };
      if (breaks('logs')) throw new Error('ECONNRESET');
      await systemClock.sleep(60_000, signal).catch(() => {});
    },
    async *stats(_: string, signal: AbortSignal) {
      yield { cpuPercent: 1, memoryPercent: 1, memoryBytes: 1 };
      if (breaks('stats')) throw new Error('ECONNRESET');
      await systemClock.sleep(60_000, signal).catch(() => {});
    },
  };
  const backend = { id: ID, life: { status: { state: BackendState.READY }, startedAt: 0 } } as Backend;
  const drone = { runtime, living: () => [backend], onChange: () => {} } as unknown as Drone;
  const subjects = Object.entries(SUBJECTS);
  const bus = {
    subscribe: () => ({ close: () => {} }),
    publish: (subject: unknown) => told.push(subjects.find(([, one]) => one === subject)?.[0] ?? ''),
  } as unknown as Bus;
  const rests: number[] = [];
  const sleep = (ms: number, signal?: AbortSignal) => {
    rests.push(ms);
    return systemClock.sleep(1, signal);
  };
  const clock = { ...systemClock, sleep };
  const parts = { bus, drone, droneId: 'd', cluster: 'c', clock, log: createLog('test', 'silent') };
  const telemetry = new Telemetry({ ...parts, logsOnBus, proxies: { learn: () => {} } }, () => {});
  return { told, tails, rests, backend, telemetry };
}

const times = (told: readonly string[], what: string) => told.filter((one) => one === what).length;

describe('the lines and samples of a running backend', () => {
  it("continue if the engine's streams break off, without repeated lines", async () => {
    const broken = { logs: 0, stats: 0 };
    const { told, tails, telemetry } = follow((what) => ++broken[what] <= 2);
    await eventually(() => times(told, 'backendLog') === 3 && times(told, 'backendStats') === 3);
    telemetry.close();
    expect(tails.slice(1).every((tail) => tail === 0)).toBe(true);
  });

  it('are samples alone, unless the bus is to have the lines too', async () => {
    const { told, tails, telemetry } = follow(() => false, false);
    await eventually(() => times(told, 'backendStats') === 1);
    telemetry.close();
    expect([tails, times(told, 'backendLog')]).toEqual([[], 0]);
  });

  it('end with the backend', async () => {
    let broken = 0;
    const { tails, rests, backend, telemetry } = follow(() => {
      Object.assign(backend.life, { ending: { removing: true } });
      broken += 1;
      return true;
    });
    await eventually(() => broken === 2);
    await new Promise(setImmediate);
    telemetry.close();
    expect([tails.length, rests]).toEqual([1, []]);
  });
});

describe('the starts that wait', () => {
  it('are published with the progress of pulls while there are any, and once when there are none', () => {
    const published: unknown[] = [];
    const pull = { layers: 2, layersDone: 1, bytes: 10, bytesDone: 5, attempts: 1, lastError: '' };
    let [waiting, pulling]: [{ id: string }[], { id: string; pull: typeof pull }[]] = [[], []];
    const drone = {
      living: () => [],
      onChange: () => {},
      starts: { order: () => waiting },
      pulling: () => pulling,
    } as unknown as Drone;
    const bus = {
      subscribe: () => ({ close: () => {} }),
      publish: (_subject: unknown, _id: string, message: object) => published.push(message),
    } as unknown as Bus;
    const parts = { bus, drone, droneId: 'd', cluster: 'c', clock: systemClock };
    const log = createLog('test', 'silent');
    const telemetry = new Telemetry(
      { ...parts, log, logsOnBus: false, proxies: { learn: () => {} } },
      () => {},
    );
    const told = () => {
      telemetry.queue();
      return published.splice(0);
    };
    expect(told()).toEqual([]);
    pulling = [{ id: 'a', pull }];
    expect(told()).toEqual([{ droneId: 'd', cluster: 'c', waiting: [], pulling }]);
    [waiting, pulling] = [[{ id: 'a' }], []];
    expect(told()).toEqual([{ droneId: 'd', cluster: 'c', waiting, pulling: [] }]);
    waiting = [];
    expect(told()).toEqual([{ droneId: 'd', cluster: 'c', waiting: [], pulling: [] }]);
    expect(told()).toEqual([]);
    telemetry.close();
  });
});
