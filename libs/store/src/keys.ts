/**
 * Every key in Redis, with the one service that writes it. The braces keep a cluster's keys in one
 * slot, so that scripts stay atomic on Redis Cluster.
 */
export function keysOf(cluster: string) {
  const key = (name: string) => `spawner:{${cluster}}:${name}`;
  return {
    /**
     * hash, scheduler: the store's epoch (store-epoch.ts). `epoch` and `from`: ticks, of its beginning and the last one
     * before it; `run`: Redis's run id; `at` and `until`: cluster clock of the opening and of the window's close (0: closed);
     * `awaited`: how many nodes have not registered again, each one of them a field `await/<kind>/<id>`; `full`: 1 where the
     * window stays open to its end.
     */
    epoch: key('epoch'),
    /** string, scheduler: the last tick. */
    tick: key('tick'),
    /** hash, scheduler: `now` (ms of cluster clock) and `last` (Redis TIME in ms when it was advanced). */
    clock: key('clock'),
    /** hash, scheduler: id → Node, for each kind of node. */
    nodes: (kind: string) => key(`nodes:${kind}`),
    /** hash, scheduler: `<kind>/<id>` → cluster clock of the last renewal; `<kind>/<id>/registration` → its tick. */
    renewals: key('renewals'),
    /** zset, scheduler: drone id → load in thousandths of what it can hold. */
    load: key('load'),
    /** hash, scheduler: capacity and reservations of one drone; `refused`: the renewal since which it did not take a backend; `sequence`: of its last registration. */
    drone: (id: string) => key(`drone:${id}`),
    /** hash, scheduler: id → stop order, until the drone has reported the end. */
    stops: (drone: string) => key(`drone:${drone}:stops`),
    /** set, scheduler: ids of the living backends of one drone. */
    living: (drone: string) => key(`drone:${drone}:backends`),
    /** hash, scheduler: the record of one backend; `facts` never change, `held` is what its end gives back, `route` is its route as last reported, `suspension` the epoch of the last suspension, `access` 2 where it wants a token. */
    backend: (id: string) => key(`backend:${id}`),
    /** hash, scheduler: id of each connection token of one backend → `good <user>` or `revoked`, until its row goes. */
    tokens: (id: string) => key(`backend:${id}:tokens`),
    /** zset, scheduler: backend id → tick of its placement. */
    backends: key('backends'),
    /** string, scheduler: id of the backend that holds the key of this hash (key-hash.ts), until that has ended. */
    key: (hash: string) => key(`key:${hash}`),
    /** zset, scheduler: `<what>/<id>` → cluster clock when it is to be looked at. */
    due: key('due'),
    /**
     * hash, scheduler: row id → RouteRow (route-row.ts). The id is a backend's, or that of a silent drone (droneRow), a
     * drone's agent (agentRow) or a connection token (tokenRow).
     */
    routes: key('routes'),
    /** stream, scheduler: changes of `routes`, ids `<epoch>-<n>` with n contiguous. */
    routeLog: key('routes:log'),
    /** hash, scheduler: `epoch` and `n` of the log's last entry. */
    routeHead: key('routes:head'),
    /** hash, certificates: the cluster's certificate and its ACME account. */
    certificates: key('certificates'),
    /** string with expiry, certificates: who issues now. */
    certificatesLease: key('certificates:lease'),
    /** zset, dns: `<name> <value>` → Redis TIME in ms when it goes. */
    challenges: key('challenges'),
  };
}

export type Keys = ReturnType<typeof keysOf>;

/** What every script is given as KEYS, in the order that lua/common.lua names them; the last three are prefixes. */
export function scriptKeys(keys: Keys): string[] {
  return [
    keys.tick,
    keys.clock,
    keys.renewals,
    keys.load,
    keys.backends,
    keys.due,
    keys.routes,
    keys.routeLog,
    keys.routeHead,
    keys.nodes('drone'),
    keys.nodes('proxy'),
    keys.epoch,
    keys.backend(''),
    keys.drone(''),
    keys.key(''),
  ];
}

/** Where the route table tells that a drone is silent; no backend id has a slash. */
export function droneRow(drone: string): string {
  return `drone/${drone}`;
}

/** Where the route table tells how a drone's agent is reached. */
export function agentRow(drone: string): string {
  return `agent/${drone}`;
}

const TOKEN = 'token/';

/** Where the route table tells of a connection token. */
export function tokenRow(token: string): string {
  return TOKEN + token;
}

/** The connection token that a row is of; nothing where it is another's. */
export function tokenOfRow(row: string): string | undefined {
  return row.startsWith(TOKEN) ? row.slice(TOKEN.length) : undefined;
}
