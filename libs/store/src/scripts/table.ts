import type { RedisReply } from '../redis.ts';
import { bytes, flag, integer, oneOf, optional, text, tick } from './arguments.ts';
import { defineScript, type ScriptDefinition } from './define-script.ts';
import { bytesOf, flagOf, integerOf, listOf, outcomeOf, textOf, wordOf } from './replies.ts';

const placed = outcomeOf(['exists'], {
  /** A living backend holds the key; `ending`: it is shutting down. */
  held: { holder: textOf },
  ending: { holder: textOf },
  /** A new store epoch has begun: a holder may still be reported for so many ms of cluster clock. */
  window: { leftMs: integerOf },
  none: {
    ...{ known: integerOf, stale: integerOf, full: integerOf },
    ...{ enough: integerOf, mostCpuMillis: integerOf, mostMemoryBytes: integerOf },
  },
  placed: { drone: textOf, registration: integerOf, placement: integerOf, node: bytesOf },
});

export type PlaceReply = ReturnType<typeof placed>;

/** `behind`: an end that must be reported again, above this revision. */
const reported = outcomeOf(['stale', 'unknown', 'elsewhere', 'old', 'taken', 'ended'], {
  behind: { revision: integerOf },
});

/**
 * `superseded`: a newer registration exists; `outdated`: the tick is older than the store epoch; `overtaken`: a registration
 * that the drone sent later, or this very one, was here before.
 */
const registered = outcomeOf(['registered', 'superseded', 'outdated'], { overtaken: { by: integerOf } });

function renewed(reply: RedisReply) {
  const [granted, stops] = listOf(reply);
  // The stop orders are pairs of an id and an order, as HGETALL gives them.
  const orders = listOf(stops).filter((_, index) => index % 2 === 1);
  return { granted: flagOf(granted), stops: orders.map(bytesOf) };
}

function stopped(reply: RedisReply): { drone: string } | 'ended' | undefined {
  if (reply === null) return undefined;
  return textOf(reply) === '' ? 'ended' : { drone: textOf(reply) };
}

function suspended(reply: RedisReply) {
  if (!Array.isArray(reply)) return reply === null ? 'refused' : 'window';
  const [epoch, route, ...rest] = reply;
  return { epoch: integerOf(epoch), route: bytesOf(route), proxies: aged(rest) };
}

/** Nodes with their ages, as `add_ages` appends them (lua/library/drones.lua). */
function aged(reply: RedisReply): { node: Buffer; silentMs: number }[] {
  const list = listOf(reply);
  const nodes = [];
  for (let at = 0; at + 1 < list.length; at += 2)
    nodes.push({ node: bytesOf(list[at]), silentMs: integerOf(list[at + 1]) });
  return nodes;
}

function epochOpened(reply: RedisReply) {
  const [epoch, opened, leftMs] = listOf(reply);
  return { epoch: integerOf(epoch), opened: flagOf(opened), leftMs: integerOf(leftMs) };
}

const UNGUARDED = { guarded: false } as const;
const ROOM = { cpuMillis: integer, memoryBytes: integer } as const;
const RENEWAL = { leaseMs: integer, silentMs: integer } as const;

/** A drone's word on one of its backends. */
const REPORTED = {
  id: text,
  drone: text,
  state: integer,
  revision: integer,
  status: bytes,
  /** How the edge answers. */
  edge: oneOf('pending', 'open', 'ended'),
  route: bytes,
} as const;

/** Every script of the store: the name of its file, the reader of its reply, and its arguments. */
export const SCRIPTS = {
  place: defineScript('place', placed, {
    id: text,
    ...ROOM,
    /** BackendFacts without candidates. */
    facts: bytes,
    /** BackendRoute without a drone. */
    route: bytes,
    /** A drone that has not renewed for this long gets no work. */
    staleMs: integer,
    reservationMs: integer,
    /** The hash of the key. */
    key: optional(text),
    /** Whether the id may have been placed before. */
    repeated: flag,
    access: integer,
    pages: optional(bytes),
  }),
  /** `steps`: StepTimes. */
  handed: defineScript('handed', flagOf, { id: text, steps: bytes }),
  report: defineScript('report', reported, { ...REPORTED, retentionMs: integer, registration: tick }),
  restore: defineScript('restore', wordOf('restored', 'known', 'stale'), {
    ...REPORTED,
    ...ROOM,
    facts: bytes,
    placement: integer,
    retentionMs: integer,
    key: optional(text),
    /** StopOrder without an id, for the claimant that loses the key. */
    order: bytes,
    access: integer,
    pages: optional(bytes),
    registration: tick,
  }),
  stop: defineScript('stop', stopped, { id: text, order: bytes, force: flag }),
  abandon: defineScript('abandon', flagOf, {
    id: text,
    when: oneOf('unreported', 'any'),
    status: bytes,
    route: bytes,
    order: bytes,
    retentionMs: integer,
    /** Only if the drone has been silent for so long; 0: in any case. */
    silentMs: integer,
    /** Only if this is the drone's present registration. */
    registration: optional(tick),
  }),
  forget: defineScript('forget', flagOf, { id: text }),

  drawTick: defineScript('tick', integerOf, { given: integer }),
  register: defineScript('register', registered, {
    kind: text,
    id: text,
    node: bytes,
    registration: integer,
    ...ROOM,
    backends: integer,
    ...RENEWAL,
    /** Orders the registrations that a drone sends. */
    sequence: optional(integer),
  }),
  nodes: defineScript('nodes', aged, { kind: text }, UNGUARDED),
  admit: defineScript('admit', flagOf, { drone: text, registration: tick, row: bytes }),
  renew: defineScript('renew', renewed, {
    ...{ kind: text, id: text, registration: tick, ...RENEWAL },
    ...{ places: optional(tick), pending: optional(tick), room: optional(tick), startMs: optional(tick) },
  }),
  unregister: defineScript('unregister', flagOf, { kind: text, id: text, silentMs: integer }),
  silence: defineScript('silence', flagOf, { drone: text, silentMs: integer, row: bytes }),
  lapse: defineScript('lapse', flagOf, {
    drone: text,
    leaseMs: integer,
    forgottenMs: integer,
    part: oneOf('look', 'done'),
  }),
  forgetDrone: defineScript('forget-drone', flagOf, { drone: text, silentMs: integer }),
  sweep: defineScript('sweep', (reply) => listOf(reply).map(textOf), {
    most: integer,
    /** The clock advances by no more than this at once. */
    turnMs: integer,
    /** An entry is due again after so long, unless its handler removes it. */
    againMs: integer,
  }),

  suspend: defineScript('suspend', suspended, {
    id: text,
    drone: text,
    registration: tick,
    suspensionMs: integer,
  }),
  settle: defineScript('settle', wordOf('open', 'ended', 'unknown'), {
    id: text,
    epoch: tick,
    outcome: oneOf('end', 'open'),
    order: bytes,
  }),
  confirm: defineScript(
    'confirm',
    wordOf('known', 'absent', 'unsure'),
    { id: text, logEpoch: tick },
    UNGUARDED,
  ),
  openEpoch: defineScript(
    'open-epoch',
    epochOpened,
    {
      /** The caller's epoch; 0 if it has never known one. */
      callersEpoch: integer,
      /** The highest registration that the caller has seen. */
      seen: integer,
      windowMs: integer,
      /** How a caller that never knew an epoch takes a store without one. */
      emptyStore: oneOf('new', 'wait'),
    },
    UNGUARDED,
  ),

  grantToken: defineScript('grant-token', wordOf('granted', 'unknown', 'ended', 'public', 'full'), {
    backend: text,
    token: text,
    user: text,
    row: bytes,
    ttlMs: integer,
    /** The most tokens that a backend may have. */
    most: integer,
  }),
  revokeTokens: defineScript('revoke-tokens', integerOf, {
    backend: text,
    /** One token; all of them if it is missing. */
    token: optional(text),
    byUser: flag,
    user: text,
    row: bytes,
    keptMs: integer,
  }),
  expireToken: defineScript('expire-token', flagOf, { token: text, backend: text }),
} as const;

/** The script of a source text, which may have been changed since. Returns undefined for any other text. */
export function scriptOf(source: string): ScriptDefinition | undefined {
  const name = /^-- ([\w-]+)\.lua\n/.exec(source)?.[1];
  return (Object.values(SCRIPTS) as unknown as ScriptDefinition[]).find((script) => script.name === name);
}
