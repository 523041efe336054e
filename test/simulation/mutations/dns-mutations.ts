import type { Mutations } from './mutations.ts';

const DNS = 'services/dns/src';

/** Faults of what dns answers. */
export const DNS_MUTATIONS: Mutations = {
  'dns names proxies whose registration has lapsed': {
    breaks: 'names',
    changes: [
      {
        file: `${DNS}/named-proxies.ts`,
        symbol: 'take',
        from: 'list.filter(({ lapsed }) => !lapsed)',
        to: '[...list]',
      },
    ],
  },
  'dns knows a backend only while its route is open': {
    breaks: 'names',
    changes: [
      {
        file: `${DNS}/answer.ts`,
        symbol: 'proxiesAt',
        from: 'route.state === RouteState.ENDED',
        to: 'route.state !== RouteState.OPEN',
      },
    ],
  },
  'dns gives addresses of a backend that has ended': {
    breaks: 'names',
    changes: [
      {
        file: `${DNS}/answer.ts`,
        symbol: 'proxiesAt',
        from: ' || route.state === RouteState.ENDED',
        to: '',
      },
    ],
  },
};
