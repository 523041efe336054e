import type { Mutations } from './mutations.ts';

const ROUTING = 'services/proxy/src/routing';
const TOKENS = 'services/proxy/src/tokens';

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
  'a token lets its holder in to every backend': {
    breaks: 'tokens',
    changes: [
      {
        file: `${TOKENS}/token-check.ts`,
        symbol: 'isValid',
        from: 'row.backendId === backendId &&',
        to: "backendId !== '' &&",
      },
    ],
  },
  'a revocation cuts nothing that is open': {
    breaks: 'tokens',
    changes: [
      {
        file: `${TOKENS}/token-sessions.ts`,
        symbol: 'rowChanged',
        from: "if (row.kind === 'revokedToken') for",
        to: "if (row.kind === 'tokenGrant') for",
      },
    ],
  },
};
