import { AppError, type BackendId, isBackendId, refuseViolations, type Violation } from '@spawner/domain';
import { BackendState } from '@spawner/proto/v1/backend';
import type { ListBackendsRequest, TailLogsRequest } from '@spawner/proto/v1/backend_service';

/** What may be asked for at once. */
export const LARGEST_PAGE = 1_000;
export const MOST_LINES = 1_000_000;

/** The id of a request. One that is missing is `invalid`; one that no backend can have is `not_found`. */
export function backendIdOf(id: string): BackendId {
  if (id === '') refuseViolations([{ field: 'id', message: 'is required' }]);
  if (isBackendId(id)) return id;
  throw new AppError('not_found', `no backend ${JSON.stringify(id.slice(0, 64))}`);
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

/** Full name of the message that a method's request is; the method as generated code names it (`spawnBackend`). */
export function requestType(method: string): string {
  return `spawner.v1.${method[0]?.toUpperCase()}${method.slice(1)}Request`;
}
