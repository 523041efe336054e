import { bytes, flag, integer, optional, text } from './arguments.ts';
import { defineScript } from './define-script.ts';
import { flagOf, integerOf, textOf } from './replies.ts';

export const grantToken = defineScript('grant-token', {
  args: {
    backend: text,
    token: text,
    user: text,
    row: bytes,
    ttlMs: integer,
    /** The most tokens that a backend may have. */
    most: integer,
  },
  reply: (reply) => textOf(reply) as 'granted' | 'unknown' | 'ended' | 'public' | 'full',
});

export const revokeTokens = defineScript('revoke-tokens', {
  args: {
    backend: text,
    /** One token; all of them if it is missing. */
    token: optional(text),
    byUser: flag,
    user: text,
    row: bytes,
    keptMs: integer,
  },
  reply: integerOf,
});

export const expireToken = defineScript('expire-token', {
  args: { token: text, backend: text },
  reply: flagOf,
});
