type KeyType = 'string' | 'hash' | 'set' | 'sorted set' | 'stream';
type Writer = 'scheduler' | 'certificates' | 'dns';

const of = <const P extends string>(pattern: P, type: KeyType, writer: Writer) => ({ pattern, type, writer });

/**
 * Every key in Redis, after the prefix `spawner:{<cluster>}:`. The braces keep a cluster's keys in one slot, as scripts on
 * Redis Cluster need. A pattern has `<id>` in the place of an id. docs/redis.md describes the fields; test/rules compares the
 * two.
 */
export const CATALOGUE = {
  epoch: of('epoch', 'hash', 'scheduler'),
  tick: of('tick', 'string', 'scheduler'),
  clock: of('clock', 'hash', 'scheduler'),
  nodes: of('nodes:<kind>', 'hash', 'scheduler'),
  renewals: of('renewals', 'hash', 'scheduler'),
  load: of('load', 'sorted set', 'scheduler'),
  soonest: of('soonest', 'sorted set', 'scheduler'),
  drone: of('drone:<id>', 'hash', 'scheduler'),
  stops: of('drone:<id>:stops', 'hash', 'scheduler'),
  living: of('drone:<id>:backends', 'set', 'scheduler'),
  backend: of('backend:<id>', 'hash', 'scheduler'),
  tokens: of('backend:<id>:tokens', 'hash', 'scheduler'),
  backends: of('backends', 'sorted set', 'scheduler'),
  key: of('key:<hash>', 'string', 'scheduler'),
  due: of('due', 'sorted set', 'scheduler'),
  routes: of('routes', 'hash', 'scheduler'),
  routeLog: of('routes:log', 'stream', 'scheduler'),
  routeHead: of('routes:head', 'hash', 'scheduler'),
  certificates: of('certificates', 'hash', 'certificates'),
  certificatesLease: of('certificates:lease', 'string', 'certificates'),
  challenges: of('challenges', 'sorted set', 'dns'),
} as const;

/** The key that every script declares. The others are in the same slot, and scripts build their names from it. */
export const DECLARED_KEY = CATALOGUE.epoch.pattern;

type NameOf<Pattern extends string> = Pattern extends `${string}<${string}` ? (id: string) => string : string;

/** The names of a cluster's keys: texts, or functions of an id. */
export type Keys = { readonly [Key in keyof typeof CATALOGUE]: NameOf<(typeof CATALOGUE)[Key]['pattern']> };

export function keysOf(cluster: string): Keys {
  const names = Object.entries(CATALOGUE).map(([key, { pattern }]) => {
    const [before = '', behind] = `spawner:{${cluster}}:${pattern}`.split(/<\w+>/);
    return [key, behind === undefined ? before : (id: string) => before + id + behind];
  });
  return Object.fromEntries(names);
}
