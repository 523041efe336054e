/** One session's life by its schedule, and what was wrong about it. */
import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { RouteState } from '@spawner/proto/internal/route';
import type { Route } from '@spawner/store';
import { eventually, type TimeJudge, type Vanishing } from '@spawner/testkit';
import type { BackendJson, Cluster } from '../cluster/cluster.ts';
import { goneAt } from '../cluster/process-end.ts';
import { clockFrom, type Proxies } from './proxies.ts';
import type { Schedule, Use } from './schedule.ts';
import { type Count, countedAs, type Outcome, STILL_MS, use } from './uses.ts';

export interface World {
  readonly cluster: Pick<Cluster, 'backend' | 'domain' | 'processOf'>;
  /** Resolves when it was READY; a session with a short clock may be over by then. */
  start(spec: Record<string, unknown>): Promise<BackendJson>;
  /** Where programs keep what they have compiled of themselves. */
  readonly compiled: string;
  readonly proxies: Proxies;
  readonly vanishing: Vanishing;
  readonly verdict: TimeJudge['verdict'];
  /** The route in the store. */
  route(id: string): Promise<Route | undefined>;
}

export interface Life {
  readonly number: number;
  readonly counts: Record<Count, number>;
  /** How many uses were answered that it is over. */
  readonly over: number;
  /** How often a use broke with its proxy and was begun again. */
  readonly reconnects: number;
  /** Whether a proxy's death or standstill held up the end. */
  readonly heldUp: boolean;
  /** From the moment that its clock allowed to its end, in milliseconds, without the time that a proxy's absence held it up. */
  readonly lateMs: number;
  /** A use was not served or did not run on, or the end came before its time. */
  readonly endedInUse: boolean;
  readonly wrong: readonly string[];
  /** Bounds that were exceeded on a machine too busy to judge them. */
  readonly unjudged: readonly string[];
}

export const WITHIN_MS = 3_000;
/** An event's time is cut to milliseconds. */
const ROUNDING_MS = 5;
const LOOK_EVERY_MS = 250;
/** Beyond its latest moment an end is still waited for this long, to tell how late it was. */
const PATIENCE_MS = 30_000;

/** Calls `used` when the last user has gone. */
export async function live(schedule: Schedule, world: World, used = () => {}): Promise<Life> {
  const { number, idleTimeoutMs, steps } = schedule;
  const name = `n${number}`;
  const env = { NAME: name, NODE_COMPILE_CACHE: world.compiled };
  const spec = { image: 'spawner/streams:latest', env, idleTimeoutMs, stopGraceMs: 2_000 };
  const backend = await world.start(spec);
  const keptAlive = new Agent({ keepAlive: true });
  const counts = { request: 0, stream: 0, webSocket: 0 };
  const wrong: string[] = [];
  let [inUseUntil, overAt] = [readyAt(backend), Date.now()];
  let [over, reconnects] = [0, 0];
  const unjudged: string[] = [];
  const program = world.cluster.processOf(backend.id);
  let goneSince: number | undefined;
  const gone = program && goneAt(program).then((at) => (goneSince = at));

  // A session that is over by now has no route.
  const { local = { host: '127.0.0.1', port: 0 } } = (await world.route(backend.id)) ?? {};
  const visitOf = (kind: string, index: number, port: number) => {
    const localAddress = kind.startsWith('vanished') ? world.vanishing.address() : undefined;
    const vanish = () => world.vanishing.vanish(localAddress ?? '');
    return {
      port,
      host: `${backend.id}.${world.cluster.domain}`,
      localAddress,
      name,
      keptAlive,
      vanish,
      awakeMs: (since: number) => world.proxies.awakeMs(index, since, Date.now()),
      local,
    };
  };
  /** Comes again through another proxy if one died under it. */
  const through = async (planned: Use): Promise<Outcome> => {
    for (let tries = 1; ; tries += 1) {
      const began = Date.now();
      const { index, port } = world.proxies.pick(planned.proxy);
      const outcome = await use(planned, visitOf(planned.kind, index, port));
      overAt = Math.max(overAt, outcome.overAt);
      if (tries > 3 || outcome.is !== 'broken' || !world.proxies.died(index, began)) return outcome;
      reconnects += 1;
    }
  };

  const stoodStill = ({ stillMs, overAt: to }: Outcome) =>
    stillMs === undefined
      ? undefined
      : world.verdict({ what: 'a pause of a stream', from: to - stillMs, to, boundMs: STILL_MS });

  for (const [index, { afterMs, uses }] of steps.entries()) {
    await pause(Math.max(0, overAt + afterMs - Date.now()));
    const outcomes = await Promise.all(uses.map(through));
    for (const [nth, outcome] of outcomes.entries()) {
      if (outcome.is === 'served') {
        counts[countedAs(uses[nth]?.kind ?? 'request')] += 1;
        inUseUntil = Math.max(inUseUntil, outcome.inUseUntil);
      } else if (outcome.is === 'over') over += 1;
      else {
        const complaint = `${backend.id}, step ${index}: ${outcome.cause}`;
        (stoodStill(outcome) === 'unjudged' ? unjudged : wrong).push(complaint);
      }
    }
    if (outcomes.some(({ is }) => is === 'over')) {
      const state = (await world.route(backend.id))?.state;
      if (state !== RouteState.ENDED) wrong.push(`step ${index}: answered 410 while its route was ${state}`);
      break;
    }
  }

  used();
  const clock = () => clockFrom(overAt, idleTimeoutMs + WITHIN_MS, world.proxies.outages);
  const ended = await endOf(world, backend.id, () => clock() + idleTimeoutMs);
  keptAlive.destroy();
  const common = { number, counts, over, reconnects, heldUp: clock() > overAt };
  const inTime = gone && Promise.race([gone, pause(PATIENCE_MS, undefined, { ref: false })]);
  const outlived = ended && program && (await inTime) === undefined;
  if (outlived) wrong.push(`${backend.id} is TERMINATED, but its program runs`);
  if (!ended || outlived)
    return {
      ...common,
      lateMs: Number.POSITIVE_INFINITY,
      endedInUse: wrong.length > 0,
      unjudged,
      wrong: ended ? wrong : [...wrong, `${backend.id} did not end`],
    };
  // A session that was over before its program was looked at has only its record.
  const [dueAt, endedAt] = [clock() + idleTimeoutMs, goneSince ?? timeOf(ended, 'TERMINATED')];
  const lateMs = endedAt - dueAt;
  const begun = Math.min(timeOf(ended, 'TERMINATING'), endedAt);
  const early = inUseUntil + idleTimeoutMs - ROUNDING_MS - begun;
  if (ended.endReason !== 'IDLE')
    wrong.push(
      `ended for ${ended.endReason}: ${ended.endDetail} ${ended.exitCode} ${ended.lastLogs?.join(' ')}`,
    );
  if (early > 0) wrong.push(`${backend.id} ended ${early} ms before its timeout`);
  const endedInUse = wrong.length > 0;
  const late = `${backend.id} ended ${lateMs} ms after its timeout`;
  const verdict = world.verdict({ what: 'the idle shutdown', from: dueAt, to: endedAt, boundMs: WITHIN_MS });
  if (verdict === 'missed') wrong.push(late);
  if (verdict === 'unjudged') unjudged.push(late);
  return { ...common, lateMs, endedInUse, wrong, unjudged };
}

/** The life of a session that could not be watched to its end. */
export function unlived(number: number, { message }: Error): Life {
  const counts = { request: 0, stream: 0, webSocket: 0 };
  return {
    number,
    counts,
    over: 0,
    reconnects: 0,
    heldUp: false,
    lateMs: 0,
    endedInUse: false,
    wrong: [message],
    unjudged: [],
  };
}

/** The record after the end, asked for from the moment that the end may come; undefined if it does not. */
async function endOf({ cluster }: World, id: string, dueAt: () => number): Promise<BackendJson | undefined> {
  for (;;) {
    await pause(Math.max(LOOK_EVERY_MS, Math.min(dueAt() - Date.now(), 5_000)));
    const backend = await eventually(() => cluster.backend(id));
    if (backend.state === 'TERMINATED') return backend;
    if (Date.now() > dueAt() + PATIENCE_MS) return undefined;
  }
}

/** Wall time at which it entered the state, or the next one that is known. */
function timeOf({ events = [] }: BackendJson, state: string): number {
  return Date.parse((events.find((each) => each.state === state) ?? events.at(-1))?.time ?? '');
}

function readyAt(backend: BackendJson): number {
  return timeOf(backend, 'READY');
}
