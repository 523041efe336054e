import { bytes, flag, integer, oneOf, optional, text, tick } from './arguments.ts';
import { defineScript } from './define-script.ts';
import { bytesOf, flagOf, integerOf, listOf, textOf } from './replies.ts';

export type PlaceReply =
  | { outcome: 'exists' }
  /** A living backend holds the key; `ending`: it is shutting down. */
  | { outcome: 'held'; holder: string }
  | { outcome: 'ending'; holder: string }
  /** A new store epoch has begun: a holder may still be reported for so many ms of cluster clock. */
  | { outcome: 'window'; leftMs: number }
  | { outcome: 'none'; known: number; stale: number; full: number }
  | { outcome: 'placed'; drone: string; registration: number; placement: number; node: Buffer };

export const place = defineScript('place', {
  args: {
    id: text,
    cpuMillis: integer,
    memoryBytes: integer,
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
  },
  reply: (reply): PlaceReply => {
    const [outcome, ...rest] = listOf(reply);
    const word = textOf(outcome) as PlaceReply['outcome'];
    switch (word) {
      case 'exists':
        return { outcome: word };
      case 'held':
        return { outcome: word, holder: textOf(rest[0]) };
      case 'ending':
        return { outcome: word, holder: textOf(rest[0]) };
      case 'window':
        return { outcome: word, leftMs: integerOf(rest[0]) };
      case 'none':
        return {
          outcome: word,
          known: integerOf(rest[0]),
          stale: integerOf(rest[1]),
          full: integerOf(rest[2]),
        };
      case 'placed':
        return {
          outcome: word,
          drone: textOf(rest[0]),
          registration: integerOf(rest[1]),
          placement: integerOf(rest[2]),
          node: bytesOf(rest[3]),
        };
    }
  },
});

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

export type ReportReply =
  | { outcome: 'stale' | 'unknown' | 'elsewhere' | 'old' | 'taken' | 'ended' }
  /** An end that must be reported again, above this revision. */
  | { outcome: 'behind'; revision: number };

export const report = defineScript('report', {
  args: { ...REPORTED, retentionMs: integer, registration: tick },
  reply: (reply): ReportReply =>
    Array.isArray(reply)
      ? { outcome: 'behind', revision: integerOf(reply[1]) }
      : { outcome: textOf(reply) as Exclude<ReportReply['outcome'], 'behind'> },
});

export const restore = defineScript('restore', {
  args: {
    ...REPORTED,
    cpuMillis: integer,
    memoryBytes: integer,
    facts: bytes,
    placement: integer,
    retentionMs: integer,
    key: optional(text),
    /** StopOrder without an id, for the claimant that loses the key. */
    order: bytes,
    access: integer,
    registration: tick,
  },
  reply: (reply) => textOf(reply) as 'restored' | 'known' | 'stale',
});

export const stop = defineScript('stop', {
  args: { id: text, order: bytes, force: flag },
  reply: (reply): { drone: string } | 'ended' | undefined => {
    if (reply === null) return undefined;
    return textOf(reply) === '' ? 'ended' : { drone: textOf(reply) };
  },
});

export const abandon = defineScript('abandon', {
  args: {
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
  },
  reply: flagOf,
});

export const forget = defineScript('forget', { args: { id: text }, reply: flagOf });
