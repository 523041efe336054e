import {
  AppError,
  type BackendId,
  keyViolations,
  looksLikeToken,
  parseBackendId,
  refuseViolations,
} from '@spawner/domain';
import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import type { BackendKey } from '@spawner/proto/v1/backend';
import { type Implementation, implement } from '@spawner/rpc';
import { explain } from './explain/explanations.ts';
import type { Parts } from './parts.ts';
import { spawn } from './spawn/spawns.ts';

/** The scheduler over gRPC: checks, calls, maps. */
export function schedulerService(parts: Parts): Implementation {
  const { backends, members, leases, suspensions, tokens } = parts;
  const idOf = async ({ id, key }: { id: string; key?: BackendKey }): Promise<BackendId> => {
    if (!key) return parseBackendId(id);
    refuseViolations(keyViolations(key));
    if (id !== '') throw new AppError('invalid', 'either id or key');
    return backends.holder(key);
  };
  return implement(SchedulerServiceService, {
    spawnBackend: async ({ id, spec, key, reusePolicy, repeated }, { signal }) => {
      if (!spec) throw invalid('spec is required', 'spec', 'is required');
      if (key) refuseViolations(keyViolations(key));
      const command = { id: parseBackendId(id), spec, key, reusePolicy, repeated };
      return { outcome: await spawn(parts, command, signal) };
    },
    getBackend: async (request) => ({ backend: await backends.get(await idOf(request)) }),
    listBackends: async (request) => {
      const query = { ...request, pageSize: Math.min(Math.max(request.pageSize || 100, 1), 1_000) };
      const { backends: page, next } = await backends.list(query, parsePageToken(request.pageToken));
      return { backends: page, nextPageToken: next === undefined ? '' : String(next) };
    },
    explainBackend: async (request) => ({ explanation: await explain(parts, await idOf(request)) }),
    terminateBackend: async (request) => ({
      backend: await backends.terminate(await idOf(request), request.force),
    }),
    createConnectionToken: async ({ tokenId, user, claims, ttlMs, ...named }) => {
      const backendId = await idOf(named);
      const grant = { backendId, tokenId: parseTokenId(tokenId), user, claims, ttlMs };
      return { backendId, expireTime: await tokens.create(grant) };
    },
    revokeConnectionTokens: async ({ tokenId, user, ...named }) => {
      if (named.id !== '' || named.key)
        return { count: await tokens.revoke(await idOf(named), { tokenId, user }) };
      const backendId = await tokens.backendOf(parseTokenId(tokenId));
      if (backendId === undefined) return { count: 0 };
      return { count: await tokens.revoke(parseBackendId(backendId), { tokenId }) };
    },
    async *tailLogs({ id, follow, tailLines }, { signal }) {
      for await (const line of backends.tailLogs(parseBackendId(id), { follow, tailLines }, signal))
        yield { line };
    },
    listDrones: async () => ({ drones: await members.drones() }),
    forgetDrone: async ({ id }) => ({ endedIds: await leases.forgetAtRequest(id) }),
    registerNode: async ({ node, inventory, highestPlacement, sequence }) => {
      if (!node) throw new AppError('invalid', 'node is required');
      return members.register(node, inventory, highestPlacement, sequence);
    },
    renewNode: (request) => members.renew(request),
    suspendRoute: ({ droneId, registration, backendId }) =>
      suspensions.suspend(parseBackendId(backendId), droneId, registration),
    settleRoute: async ({ backendId, epoch, end }) => ({
      outcome: await suspensions.settle(parseBackendId(backendId), epoch, end),
    }),
  });
}

function parseTokenId(id: string): string {
  if (looksLikeToken(id)) return id;
  throw invalid('token_id: not the id of a token', 'token_id', 'not the id of a token');
}

function parsePageToken(token: string): number {
  if (token === '') return Number.POSITIVE_INFINITY;
  if (/^\d{1,16}$/.test(token)) return Number(token);
  throw invalid('page_token: not one of ours', 'page_token', 'not one of ours');
}

function invalid(text: string, field: string, message: string): AppError {
  return new AppError('invalid', text, { violations: [{ field, message }] });
}
