import type { Violation } from './errors.ts';

/** The name of what a backend is for: at most one backend holds `(namespace, name)`. */
export interface KeyInput {
  namespace: string;
  name: string;
  tag: string;
}

/** Bytes of UTF-8 that each of a key's texts may have. */
export const KEY_BYTES = 512;

/** Every fault of a key, each naming its field below `at`. Any text will do that can be an environment value. */
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
