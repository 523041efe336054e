import { AppError } from './errors.ts';

/** 130 random bits in lower-case base32: unguessable, and a DNS label. */
export type BackendId = string & { readonly __brand: 'BackendId' };

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const BACKEND_ID = /^[a-z2-7]{26}$/;
const NODE_ID = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A new id from `randomBytes(26)`; five bits of each byte are used. */
export function newBackendId(randomBytes: (count: number) => Uint8Array): BackendId {
  return Array.from(randomBytes(26), (byte) => ALPHABET[byte & 31]).join('') as BackendId;
}

export function isBackendId(text: string): text is BackendId {
  return BACKEND_ID.test(text);
}

/** Throws `invalid`, which names the field, if the text is not a backend's id. */
export function parseBackendId(text: string, field = 'id'): BackendId {
  if (isBackendId(text)) return text;
  throw new AppError('invalid', `${field}: not a backend id`, {
    violations: [{ field, message: 'not a backend id (26 characters of a-z and 2-7)' }],
  });
}

/** Whether a text may name a node: at most 63 of [a-z0-9-], with no hyphen at either end. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}
