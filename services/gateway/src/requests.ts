import {
  AppError,
  type BackendId,
  isBackendId,
  keyViolations,
  refuseViolations,
  type Violation,
} from '@spawner/domain';
import { type BackendKey, BackendState } from '@spawner/proto/v1/backend';
import {
  type ListBackendsRequest,
  ReusePolicy,
  type SpawnBackendRequest,
  type TailLogsRequest,
} from '@spawner/proto/v1/backend_service';

/** Limits of one request. */
export const LARGEST_PAGE = 1_000;
export const MOST_LINES = 1_000_000;

/** The id of a request. A missing id is `invalid`; an id that no backend can have is `not_found`. */
export function backendIdOf(id: string): BackendId {
  if (id === '') refuseViolations([{ field: 'id', message: 'is required' }]);
  if (isBackendId(id)) return id;
  throw new AppError('not_found', `no backend ${JSON.stringify(id.slice(0, 64))}`);
}

/** The backend that a request names, by its id or by the key that it holds. Throws `invalid` for both and for neither. */
export function namedBy({ id, key }: { id: string; key?: BackendKey }): { id: string; key?: BackendKey } {
  if (!key) return { id: backendIdOf(id) };
  const both = id === '' ? [] : [{ field: 'key', message: 'either id or key, not both' }];
  refuseViolations([...both, ...keyViolations(key)]);
  return { id: '', key };
}

/** The violations of a spawn outside of its spec. */
export function spawnViolations({ key, reusePolicy }: SpawnBackendRequest): Violation[] {
  const known = Object.values<number>(ReusePolicy).includes(reusePolicy);
  return [
    ...(key ? keyViolations(key) : []),
    ...(known ? [] : [{ field: 'reuse_policy', message: 'not a reuse policy' }]),
  ];
}

export function listViolations({ pageSize, states }: ListBackendsRequest): Violation[] {
  const violations: Violation[] = [];
  if (!Number.isInteger(pageSize) || pageSize < 0 || pageSize > LARGEST_PAGE)
    violations.push({ field: 'page_size', message: `must be a whole number from 1 to ${LARGEST_PAGE}` });
  const known: readonly number[] = Object.values(BackendState);
  states.forEach((state, index) => {
    if (state === BackendState.UNSPECIFIED || !known.includes(state))
      violations.push({ field: `states[${index}]`, message: 'not a state' });
  });
  return violations;
}

export function tailViolations({ tailLines }: TailLogsRequest): Violation[] {
  if (tailLines === undefined || (tailLines >= 0 && tailLines <= MOST_LINES)) return [];
  return [{ field: 'tail_lines', message: `must be a whole number from 0 to ${MOST_LINES}` }];
}

/** Full name of a method's request or response; the method as generated code names it (`spawnBackend`), or with `ByKey` behind it. */
export function messageOf(method: string, side: 'Request' | 'Response'): string {
  const name = method.replace(/ByKey$/, '');
  return `spawner.v1.${name[0]?.toUpperCase()}${name.slice(1)}${side}`;
}
