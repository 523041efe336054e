import type { Mutations } from './mutations.ts';

const SCHEDULER = 'services/scheduler/src';

/** Faults of the scheduler's classes. */
export const SCHEDULER_MUTATIONS: Mutations = {
  'every terminate throws': {
    breaks: 'expected-errors',
    changes: [
      {
        file: `${SCHEDULER}/backends/backends.ts`,
        symbol: 'terminate',
        from: 'const order = {',
        to: "if (id) throw new TypeError('mutated');\n    const order = {",
      },
    ],
  },
  'a spawn that is sent again is answered without being handed over': {
    breaks: 'handed-over',
    changes: [
      {
        file: `${SCHEDULER}/spawn/spawns.ts`,
        symbol: 'adopt',
        from: 'if (!command.repeated ||',
        to: 'if (command.repeated ||',
      },
    ],
  },
};
