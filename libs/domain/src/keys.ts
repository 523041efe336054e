import type { Violation } from './errors.ts';

/** Names the purpose of a backend. At most one backend holds a pair of namespace and name. */
export interface KeyInput {
  namespace: string;
  name: string;
  tag: string;
}

/** The most bytes of UTF-8 in each text of a key. */
export const KEY_BYTES = 512;

/** Returns every fault of a key, each with its field below `at`. Any text is valid that can be an environment value. */
export function keyViolations(key: KeyInput, at = 'key'): Violation[] {
  const violations: Violation[] = [];
  if (key.name === '') violations.push({ field: `${at}.name`, message: 'must not be empty' });
  for (const field of ['namespace', 'name', 'tag'] as const) {
    const wrong = (message: string) => violations.push({ field: `${at}.${field}`, message });
    const text = key[field];
    if (!text.isWellFormed()) wrong('has half a character (a lone surrogate)');
    if (text.includes('\0')) wrong('must not contain NUL');
    if (new TextEncoder().encode(text).length > KEY_BYTES) wrong(`at most ${KEY_BYTES} bytes of UTF-8`);
  }
  return violations;
}
