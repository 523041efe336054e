import { bytes, integer, oneOf, optional, text, tick } from './arguments.ts';
import { defineScript } from './define-script.ts';
import { bytesOf, flagOf, integerOf, listOf, textOf, valuesOf } from './replies.ts';

export const drawTick = defineScript('tick', { args: { given: integer }, reply: integerOf });

export type RegisterReply =
  | { outcome: 'registered' }
  /** A newer registration exists. */
  | { outcome: 'superseded' }
  /** The tick is older than the store epoch. */
  | { outcome: 'outdated' }
  /** A registration that the drone sent later, or this very one, was here before. */
  | { outcome: 'overtaken'; by: number };

export const register = defineScript('register', {
  args: {
    kind: text,
    id: text,
    node: bytes,
    registration: integer,
    cpuMillis: integer,
    memoryBytes: integer,
    backends: integer,
    leaseMs: integer,
    silentMs: integer,
    /** Orders the registrations that a drone sends. */
    sequence: optional(integer),
  },
  reply: (reply): RegisterReply =>
    Array.isArray(reply)
      ? { outcome: 'overtaken', by: integerOf(reply[1]) }
      : { outcome: textOf(reply) as Exclude<RegisterReply['outcome'], 'overtaken'> },
});

export const admit = defineScript('admit', {
  args: { drone: text, registration: tick, row: bytes },
  reply: flagOf,
});

export const renew = defineScript('renew', {
  args: { kind: text, id: text, registration: tick, leaseMs: integer, silentMs: integer },
  reply: (reply) => {
    const [granted, stops] = listOf(reply);
    return { granted: granted === 1, stops: valuesOf(listOf(stops)).map(bytesOf) };
  },
});

export const unregister = defineScript('unregister', {
  args: { kind: text, id: text, silentMs: integer },
  reply: flagOf,
});

export const silence = defineScript('silence', {
  args: { drone: text, silentMs: integer, row: bytes },
  reply: flagOf,
});

export const lapse = defineScript('lapse', {
  args: { drone: text, leaseMs: integer, forgottenMs: integer, part: oneOf('look', 'done') },
  reply: flagOf,
});

export const forgetDrone = defineScript('forget-drone', {
  args: { drone: text, silentMs: integer },
  reply: flagOf,
});

export const sweep = defineScript('sweep', {
  args: {
    most: integer,
    /** The clock advances by no more than this at once. */
    turnMs: integer,
    /** An entry is due again after so long, unless its handler removes it. */
    againMs: integer,
  },
  reply: (reply) => listOf(reply).map(textOf),
});
