/**
 * `Clear-Site-Data` (W3C, §3.1) clears cookies for the registrable domain, and so those of every other backend, connection tokens
 * included. The other types concern the backend's own origin alone.
 */
const COOKIES = '"cookies"';
const EVERYTHING = '"*"';
const OTHERS = ['"cache"', '"storage"', '"executionContexts"'];

/** The value that a client gets; undefined if nothing is left of it. */
export function withoutSiblingsCookies(value: string): string | undefined {
  const types = value.split(',').map((type) => type.trim());
  if (!types.some((type) => type === COOKIES || type === EVERYTHING)) return value;
  const kept = types.flatMap((type) => (type === EVERYTHING ? OTHERS : type === COOKIES ? [] : [type]));
  return kept.length === 0 ? undefined : [...new Set(kept)].join(', ');
}
