import { hash } from 'node:crypto';
import { Access, BackendSpec } from './gen/spawner/v1/backend.ts';

/**
 * SHA-256 of a spec: two that ask for the same have the same, in whatever order their environment and
 * labels stand. Credentials are not part of it: they say who pulls, not what runs, and may change daily.
 */
export function specDigest(spec: BackendSpec): Buffer {
  const access = spec.access === Access.PUBLIC ? Access.UNSPECIFIED : spec.access;
  const same = {
    ...spec,
    access,
    credentials: undefined,
    env: sorted(spec.env),
    labels: sorted(spec.labels),
  };
  return hash('sha256', BackendSpec.encode(same).finish(), 'buffer');
}

function sorted(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
}
