import { bytes, integer, oneOf, text, tick } from './arguments.ts';
import { defineScript, defineUnguardedScript } from './define-script.ts';
import { bytesOf, integerOf, listOf, textOf } from './replies.ts';

export type SuspendReply =
  | 'refused'
  | 'window'
  | { epoch: number; route: Buffer; proxies: { node: Buffer; silentMs: number }[] };

export const suspend = defineScript('suspend', {
  args: { id: text, drone: text, registration: tick, suspensionMs: integer },
  reply: (reply): SuspendReply => {
    if (!Array.isArray(reply)) return reply === null ? 'refused' : 'window';
    const [epoch, route, ...rest] = reply;
    const proxies: { node: Buffer; silentMs: number }[] = [];
    for (let at = 0; at + 1 < rest.length; at += 2)
      proxies.push({ node: bytesOf(rest[at]), silentMs: integerOf(rest[at + 1]) });
    return { epoch: integerOf(epoch), route: bytesOf(route), proxies };
  },
});

export const settle = defineScript('settle', {
  args: { id: text, epoch: tick, outcome: oneOf('end', 'open'), order: bytes },
  reply: (reply) => textOf(reply) as 'open' | 'ended' | 'unknown',
});

/** The store's answer about a route that a table lacks; `unsure` if it cannot know, or cannot be asked. */
export type Confirmation = 'known' | 'absent' | 'unsure';

export const confirm = defineUnguardedScript('confirm', {
  args: { id: text, logEpoch: tick },
  reply: (reply) => textOf(reply) as Confirmation,
});

export const openEpoch = defineUnguardedScript('open-epoch', {
  args: {
    /** The caller's epoch; 0 if it has never known one. */
    callersEpoch: integer,
    /** The highest registration that the caller has seen. */
    seen: integer,
    windowMs: integer,
    /** How a caller that never knew an epoch takes a store without one. */
    emptyStore: oneOf('new', 'wait'),
  },
  reply: (reply) => {
    const [epoch, opened, leftMs] = listOf(reply);
    return { epoch: integerOf(epoch), opened: opened === 1, leftMs: integerOf(leftMs) };
  },
});
