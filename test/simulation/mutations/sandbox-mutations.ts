import type { Mutations } from './mutations.ts';

const NETWORK = 'services/agent/src/network';

/** Faults of the agent's sandboxes and addresses. */
export const SANDBOX_MUTATIONS: Mutations = {
  'a sandbox is used twice': {
    breaks: 'sandbox-use',
    changes: [
      {
        file: `${NETWORK}/sandbox-pool.ts`,
        symbol: 'take',
        from: 'this.#ready.delete(sandbox.id);',
        to: '',
      },
    ],
  },
  'a used sandbox is ready again after a restart': {
    breaks: 'sandbox-use',
    changes: [
      {
        file: `${NETWORK}/sandbox-pool.ts`,
        symbol: 'take',
        from: 'this.#marks.write(sandbox.id, by, { durable: false });',
        to: '',
      },
    ],
  },
  'a sandbox that is left over is not removed': {
    breaks: 'sandboxes',
    changes: [
      {
        file: `${NETWORK}/sandbox-pool.ts`,
        symbol: 'compare',
        from: 'else this.#discarded.set(id, sandbox);',
        to: '',
      },
    ],
  },
  'the marks of sandboxes that are gone stay': {
    breaks: 'sandboxes',
    changes: [
      {
        file: `${NETWORK}/sandbox-pool.ts`,
        symbol: 'removed',
        from: 'this.#marks.remove(id);',
        to: '',
      },
    ],
  },
  'a backend that has lost its network is not ended': {
    breaks: 'severed',
    changes: [
      {
        file: `${NETWORK}/sandbox-keeper.ts`,
        symbol: 'joined',
        from: 'return taken?.severed ? undefined : taken?.sandbox;',
        to: 'return taken?.sandbox;',
      },
    ],
  },
  'a sandbox is removed under its backend': {
    breaks: 'severed',
    changes: [
      {
        file: `${NETWORK}/sandbox-pool.ts`,
        symbol: 'compare',
        from: 'if (joinedBy !== undefined)',
        to: 'if (joinedBy === "")',
      },
    ],
  },
  'an address is given out although its holder lives': {
    breaks: 'one-address',
    changes: [
      { file: `${NETWORK}/addresses.ts`, symbol: 'use', from: 'this.#range.use(address);', to: '' },
      {
        file: `${NETWORK}/addresses.ts`,
        symbol: 'constructor',
        from: 'Number(state.read(CURSOR_FILE) ?? apart)',
        to: 'apart',
      },
    ],
  },
};
