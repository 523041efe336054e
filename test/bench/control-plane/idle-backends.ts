/**
 * The cost of 10,000 idle backends on 100 drones: Redis's memory, and the scheduler's timers, processor time and loop delay. The
 * scheduler is measured idle, while backends are spawned, and while every drone registers again.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '@spawner/testkit';
import { processTimeMs } from '../process-time.ts';
import { rounded } from '../statistics.ts';
import { type ControlPlane, withControlPlane } from './scene.ts';

const DRONES = 100;
const ROOM_PER_DRONE = 200;
const FEW = 1_000;
const MANY = 10_000;
const IDLE_MS = 10_000;

interface Phase {
  timers: number;
  /** Processor time of the scheduler and of Redis, in milliseconds per second. */
  scheduler: number;
  redis: number;
  loopP99: number;
  loopMax: number;
}

export interface IdleFigures {
  bytesOfFew: number;
  bytesOfMany: number;
  /** The part of `bytesOfMany` that is the log of route changes, which has at most 20,000 entries. */
  logBytes: number;
  idleWithFew: Phase;
  idleWithMany: Phase;
  spawning: Phase;
  registering: Phase;
  spawnsPerSecond: number;
}

/** One run. `redisArgs` are added to the command line of Redis. */
export function idleBackends(redisArgs: string[] = []): Promise<IdleFigures> {
  return withControlPlane(async (at) => {
    await at.drones.register(DRONES, ROOM_PER_DRONE);
    at.drones.beginRenewing();
    // A warm-up: everything that is made once, such as compiled code, must not count.
    await spawnAndSettle(at, 100);
    await wait(IDLE_MS / 2);
    const idleWithFew = await phase(at, () => wait(IDLE_MS));
    const before = await usedMemory(at);
    const began = performance.now();
    let bytesOfFew = 0;
    const spawning = await phase(at, async () => {
      await spawnAndSettle(at, FEW);
      bytesOfFew = ((await usedMemory(at)) - before) / FEW;
      await spawnAndSettle(at, MANY - FEW);
    });
    const spawnsPerSecond = MANY / ((performance.now() - began) / 1_000);
    const bytesOfMany = ((await usedMemory(at)) - before) / MANY;
    const logBytes = (await memoryOf(at, at.keys.routeLog)) / MANY;
    const idleWithMany = await phase(at, () => wait(IDLE_MS));
    const registering = await phase(at, () => at.drones.registerAgain());
    return {
      ...{ bytesOfFew, bytesOfMany, logBytes, idleWithFew, idleWithMany, spawning, registering },
      spawnsPerSecond,
    };
  }, redisArgs);
}

async function spawnAndSettle({ drones, spawn }: ControlPlane, count: number): Promise<void> {
  const wanted = drones.settled + count;
  await spawn(count);
  await eventually(() => drones.settled === wanted, { timeoutMs: 60_000 });
}

async function phase({ process, redisPid }: ControlPlane, work: () => Promise<unknown>): Promise<Phase> {
  await process.admin('/metrics');
  const before = [processTimeMs(process.pid), processTimeMs(redisPid)] as const;
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1_000;
  const metrics = await process.admin('/metrics');
  const used = [processTimeMs(process.pid), processTimeMs(redisPid)] as const;
  return {
    timers: await restingTimers(process),
    scheduler: rounded((used[0] - before[0]) / seconds),
    redis: rounded((used[1] - before[1]) / seconds),
    loopP99: rounded(1_000 * read(metrics, /nodejs_eventloop_delay_p99\{[^}]*\} (\S+)/)),
    loopMax: rounded(1_000 * read(metrics, /nodejs_eventloop_delay_max\{[^}]*\} (\S+)/)),
  };
}

/** The timers of the scheduler between calls: a call in flight has a timer of its own, so the least of several readings counts. */
async function restingTimers(process: ControlPlane['process']): Promise<number> {
  const readings: number[] = [];
  for (let reading = 0; reading < 10; reading++) {
    const metrics = await process.admin('/metrics');
    readings.push(read(metrics, /nodejs_active_resources\{type="Timeout"[^}]*\} (\S+)/));
    await wait(50);
  }
  return Math.min(...readings);
}

function read(metrics: string, pattern: RegExp): number {
  const found = pattern.exec(metrics)?.[1];
  if (found === undefined) throw new Error(`the scheduler's metrics have no ${pattern.source}`);
  return Number(found);
}

async function usedMemory({ store }: ControlPlane): Promise<number> {
  const info = String(await store.send(['INFO', 'memory']));
  return read(info, /used_memory:(\d+)/);
}

async function memoryOf({ store }: ControlPlane, key: string): Promise<number> {
  return Number(await store.send(['MEMORY', 'USAGE', key, 'SAMPLES', '0']));
}
