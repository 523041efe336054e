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
import type { Backends } from './backends/backends.ts';
import type { ConnectionTokens } from './backends/connection-tokens.ts';
import type { Explanations } from './explain/explanations.ts';
import type { Leases } from './leases/leases.ts';
import type { Nodes } from './leases/nodes.ts';
import type { Suspensions } from './leases/suspensions.ts';
import type { Spawns } from './spawn/spawns.ts';

export interface ServiceParts {
  spawns: Spawns;
  backends: Backends;
  explanations: Explanations;
  nodes: Nodes;
  leases: Leases;
  suspensions: Suspensions;
  tokens: ConnectionTokens;
}

/** The scheduler over gRPC: checks, calls, maps. */
export function schedulerService(parts: ServiceParts): Implementation {
  const { spawns, backends, explanations, nodes, leases, suspensions, tokens } = parts;
  const idOf = async ({ id, key }: { id: string; key?: BackendKey }): Promise<BackendId> => {
    if (!key) return parseBackendId(id);
    refuseViolations(keyViolations(key));
    if (id !== '') throw new AppError('invalid', 'either id or key');
    return backends.holder(key);
  };
  return implement(SchedulerServiceService, {
    spawnBackend: async ({ id, spec, key, reusePolicy, repeated }, { signal }) => {
      if (!spec)
        throw new AppError('invalid', 'spec is required', {
          violations: [{ field: 'spec', message: 'is required' }],
        });
      if (key) refuseViolations(keyViolations(key));
      const command = { id: parseBackendId(id), spec, key, reusePolicy, repeated };
      return { outcome: await spawns.spawn(command, signal) };
    },
    getBackend: async (request) => ({ backend: await backends.get(await idOf(request)) }),
    listBackends: async ({ pageSize, pageToken, states, droneId, labels }) => {
      const before = parsePageToken(pageToken);
      const { backends: page, next } = await backends.list({
        pageSize: clamp(pageSize),
        before,
        states,
        droneId,
        labels,
      });
      return { backends: page, nextPageToken: next === undefined ? '' : String(next) };
    },
    explainBackend: async (request) => ({ explanation: await explanations.of(await idOf(request)) }),
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
        return {
          count: await tokens.revoke(await idOf(named), { tokenId, ...(user === undefined ? {} : { user }) }),
        };
      const backendId = await tokens.backendOf(parseTokenId(tokenId));
      return {
        count: backendId === undefined ? 0 : await tokens.revoke(parseBackendId(backendId), { tokenId }),
      };
    },
    async *tailLogs({ id, follow, tailLines }, { signal }) {
      for await (const line of backends.tailLogs(parseBackendId(id), { follow, tailLines }, signal))
        yield { line };
    },
    listDrones: async () => ({ drones: await nodes.drones() }),
    forgetDrone: async ({ id }) => ({ endedIds: await leases.forget(id) }),
    registerNode: async ({ node, inventory, highestPlacement, sequence }) => {
      if (!node) throw new AppError('invalid', 'node is required');
      return nodes.register(node, inventory, highestPlacement, sequence);
    },
    renewNode: (request) => nodes.renew(request),
    suspendRoute: ({ droneId, registration, backendId }) =>
      suspensions.suspend(parseBackendId(backendId), droneId, registration),
    settleRoute: async ({ backendId, epoch, end }) => ({
      outcome: await suspensions.settle(parseBackendId(backendId), epoch, end),
    }),
  });
}

function parseTokenId(id: string): string {
  if (looksLikeToken(id)) return id;
  throw new AppError('invalid', 'token_id: not the id of a token', {
    violations: [{ field: 'token_id', message: 'not the id of a token' }],
  });
}

function clamp(pageSize: number): number {
  return Math.min(Math.max(pageSize || 100, 1), 1_000);
}

function parsePageToken(token: string): number {
  if (token === '') return Number.POSITIVE_INFINITY;
  if (/^\d{1,16}$/.test(token)) return Number(token);
  throw new AppError('invalid', 'page_token: not one of ours', {
    violations: [{ field: 'page_token', message: 'not one of ours' }],
  });
}
