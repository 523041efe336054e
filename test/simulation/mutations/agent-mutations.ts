import type { Mutations } from './mutations.ts';

const AGENT = 'services/agent/src';

/** Faults of the agent's classes. */
export const AGENT_MUTATIONS: Mutations = {
  'a backend never becomes READY': {
    breaks: 'availability',
    changes: [
      {
        file: `${AGENT}/lifecycle/life-machine.ts`,
        symbol: 'step',
        from: 'if (state !== BackendState.WAITING || life.ending) return unchanged(life);',
        to: 'if (state) return unchanged(life);',
      },
    ],
  },
  'a start never gives its place back': {
    breaks: 'answered',
    changes: [
      {
        file: `${AGENT}/lifecycle/start-queue.ts`,
        symbol: 'leave',
        from: 'if (this.#places.delete(id) || gathered) this.#admit();',
        to: 'if (gathered) this.#admit();',
      },
    ],
  },
  'the start queue serves the latest spawn first': {
    breaks: 'queue-order',
    changes: [
      {
        file: `${AGENT}/lifecycle/start-queue.ts`,
        symbol: '#admit',
        from: 'const next = lane.shift();',
        to: 'const next = lane.pop();',
      },
    ],
  },
  'a namespace keeps its turn': {
    breaks: 'queue-order',
    changes: [
      {
        file: `${AGENT}/lifecycle/start-queue.ts`,
        symbol: '#admit',
        from: 'this.#lanes.delete(namespace);',
        to: 'if (lane.length === 0) this.#lanes.delete(namespace);',
      },
    ],
  },
  'idle shutdown never happens': {
    breaks: 'idle-shutdown',
    changes: [
      {
        file: `${AGENT}/idle/settler.ts`,
        symbol: 'turn',
        from: 'if (drone.registration === 0) return;',
        to: 'if (drone.registration >= 0) return;',
      },
    ],
  },
  'a missing answer of a proxy is taken for zero': {
    breaks: 'in-use',
    changes: [
      {
        file: `${AGENT}/idle/settlement.ts`,
        symbol: 'useNow',
        from: "if (testimonies.some((each) => !hasSpoken(each) && each.deadBy === undefined)) return 'silent';",
        to: '',
      },
      {
        file: `${AGENT}/idle/settlement.ts`,
        symbol: 'lastUse',
        from: 'return deadBy ?? now;',
        to: 'return deadBy ?? 0;',
      },
    ],
  },
  'no proxy is asked, only the kernel': {
    breaks: 'in-use',
    changes: [
      {
        file: `${AGENT}/idle/inquiry.ts`,
        symbol: '#ask',
        from: 'try {',
        to: 'if (id) return { activity: { id, open: 0, ageMs: 3_600_000 }, held: 0 } as never;\n    try {',
      },
    ],
  },
  'the answer of the settle is ignored': {
    breaks: 'in-use',
    changes: [
      {
        file: `${AGENT}/idle/settler.ts`,
        symbol: '#settleRoute',
        from: 'if (outcome === SettleOutcome.ENDED) {',
        to: 'if (outcome === SettleOutcome.ENDED || end) {',
      },
    ],
  },
  'a restarted agent takes its lease for whole': {
    breaks: 'one-holder',
    changes: [
      {
        file: `${AGENT}/state/lease.ts`,
        symbol: 'age',
        from: 'return now - this.#renewedAt;',
        to: 'if (!this.#isWhole) this.#renewedAt = now;\n    this.#isWhole = true;\n    return now - this.#renewedAt;',
      },
      {
        file: `${AGENT}/state/lease.ts`,
        from: '  #isWritten = true;\n',
        to: '  #isWritten = true;\n  #isWhole = false;\n',
      },
    ],
  },
  'a start that waits is not dropped with the order to end': {
    breaks: 'late-start',
    changes: [
      {
        file: `${AGENT}/lifecycle/effect-queue.ts`,
        symbol: '#abort',
        from: 'this.#waiting.length = 0;',
        to: '',
      },
    ],
  },
  'a restarted agent acts on reports before it has looked': {
    breaks: 'end-cause',
    changes: [
      { file: `${AGENT}/lifecycle/backend.ts`, symbol: 'adopt', from: 'this.#adopting = true;', to: '' },
    ],
  },
};
