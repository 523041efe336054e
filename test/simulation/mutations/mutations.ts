import type { Question } from '@spawner/bus';
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import { type LogPosition, Replica, type RowChange, type Versioned } from '@spawner/store';
import type { ChangedParts } from './changed-parts.ts';

/** A text of a script becomes another; it must be there, so that no mutation becomes nothing unseen. */
function inScript(name: string, ...changes: [from: string, to: string][]): ChangedParts {
  return {
    script: (source) => {
      if (!source.includes(name)) return source;
      return changes.reduce((text, [from, to]) => {
        if (!text.includes(from)) throw new Error(`a script has no ${from} any more`);
        return text.replaceAll(from, to);
      }, source);
    },
  };
}

/** A text of a module becomes another. */
function inModule(file: string, from: string, to: string): ChangedParts {
  return { modules: [{ file, from, to }] };
}

class GapSkipping<T extends Versioned> extends Replica<T> {
  override apply(at: LogPosition, change: RowChange<T>): boolean {
    const last = this.position;
    if (last && (at.epoch > last.epoch || at.n > last.n + 1))
      super.load({ epoch: at.epoch, n: at.n - 1 }, new Map(), () => true);
    return super.apply(at, change);
  }
}

/**
 * Deliberate faults of the core, each a changed part that a world is given. The simulation is worth what it catches
 * of them: mutations.test.ts.
 */
export const MUTATIONS: Readonly<Record<string, ChangedParts>> = {
  "a proxy's missing answer is taken for zero": {
    agentBus: (bus) => ({
      ...bus,
      connected: true,
      ask: async <T, R>(question: Question<T, R>, id: string, message: T, timeoutMs: number) =>
        bus
          .ask(question, id, message, timeoutMs)
          .catch(() => ({ activity: { id, open: 0, ageMs: 3_600_000 }, held: 0 }) as R),
    }),
  },
  'no proxy is asked, only the kernel': {
    agentBus: (bus) => ({
      ...bus,
      connected: true,
      ask: async <T, R>(_question: Question<T, R>, id: string) =>
        ({ activity: { id, open: 0, ageMs: 3_600_000 }, held: 0 }) as R,
    }),
  },
  'ticks follow the clock alone, so that fences are not raised': inScript('local function next_tick', [
    "math.max(tonumber(redis.call('GET', TICK) or '0') + 1, now)",
    'now',
  ]),
  'keys are given away at the moment of the hard deadline': {
    script: (source) =>
      source
        .replace('whole(now + lease_ms), DUE_LEASE', 'whole(now + 30000), DUE_LEASE')
        .replace(
          "cluster_now() - at < lease_ms then\n  redis.call('ZADD', DUE, whole(at + lease_ms), DUE_LEASE",
          "cluster_now() - at < 30000 then\n  redis.call('ZADD', DUE, whole(at + 30000), DUE_LEASE",
        )
        .replace(
          'cluster_now() - renewed < silent_ms',
          'cluster_now() - renewed < math.min(30000, silent_ms)',
        ),
  },
  'a replica skips a gap in its log': { replica: GapSkipping },
  'the answer of the settle is ignored': {
    agentScheduler: (scheduler) => ({
      ...scheduler,
      settleRoute: async (request, options) => {
        const answer = scheduler.settleRoute(request, options);
        if (!request.end) return answer;
        await answer.catch(() => {});
        return { outcome: SettleOutcome.ENDED };
      },
    }),
  },
  'a restarted agent takes its lease for whole': {
    agentFiles: (files, clock) => {
      const began = clock.now();
      let written = false;
      return {
        below: (name) => files.below(name),
        read: (name) =>
          name === 'lease.json' && !written && files.read(name)
            ? JSON.stringify({ boot: 'boot', renewedAt: began })
            : files.read(name),
        write: (name, text) => {
          if (name === 'lease.json') written = true;
          files.write(name, text);
        },
        append: (name, text) => files.append(name, text),
        remove: (name) => files.remove(name),
        setAside: (name) => files.setAside(name),
        names: () => files.names(),
      };
    },
  },
  'a store that lost everything gives keys at once': inScript('local function window_left', [
    "return math.max(0, tonumber(redis.call('HGET', EPOCH, 'until') or '0') - cluster_now())",
    'return 0',
  ]),
  'a late report takes a record back': inScript(
    "if state < tonumber(v[2]) or revision <= tonumber(v[3]) then return 'old' end",
    ["if state < tonumber(v[2]) or revision <= tonumber(v[3]) then return 'old' end", ''],
  ),
  'what a store is told anew is not reserved': inScript('-- restore.lua', [
    'reserve(drone, cpu_millis, memory_bytes, 1)',
    'false',
  ]),
  'a start that waits is not dropped with the order to end': inModule(
    'services/agent/src/lifecycle/effect-queue.ts',
    'this.#waiting.length = 0;',
    'false',
  ),
  'an agent that begins acts on what it hears before it has looked': inModule(
    'services/agent/src/lifecycle/backend.ts',
    'this.#adopting = true;',
    'false',
  ),
  'a lost lease is not due any more before what ends with it has ended': inScript('-- lapse.lua', [
    "if part == 'done' then",
    'if true then',
  ]),
  'a spawn that is sent again is answered without being handed over': inModule(
    'services/scheduler/src/spawn/spawns.ts',
    'command.repeated || state',
    'false || state',
  ),
};
