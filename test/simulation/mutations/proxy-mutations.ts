import type { Mutations } from './mutations.ts';

const ROUTING = 'services/proxy/src/routing';

/** Faults of the proxy's deciding half. */
export const PROXY_MUTATIONS: Mutations = {
  'the router refuses every request': {
    breaks: 'availability',
    changes: [
      {
        file: `${ROUTING}/router.ts`,
        symbol: 'route',
        from: 'let confirmed = false;',
        to: "let confirmed = false;\n    if (backendId) return { kind: 'full' };",
      },
    ],
  },
  'a proxy answers the question and lets requests through all the same': {
    breaks: 'in-use',
    changes: [
      {
        file: `${ROUTING}/suspended-routes.ts`,
        symbol: 'asked',
        from: 'if (epoch === 0 ||',
        to: 'if (epoch >= 0 ||',
      },
    ],
  },
};
