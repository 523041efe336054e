/** The sessions of a scene: some without a key, some with a key that outlast a lost lease, some that are strictly keyed. */
import { eventually } from '@spawner/testkit';
import type { ApiAnswer, BackendJson, Cluster } from '../cluster/cluster.ts';

export type Kind = 'plain' | 'loose' | 'strict';

export interface Session {
  id: string;
  kind: Kind;
  /** The name of its key; empty without one. */
  key: string;
  fence: number;
  droneId: string;
}

export interface Wish {
  kind: Kind;
  idleTimeoutMs: number;
  /** More of its environment. */
  env?: Record<string, string>;
}

const SPAWN_WITHIN_MS = 60_000;

function requestOf({ kind, idleTimeoutMs, env = {} }: Wish, key: string) {
  const spec = {
    image: 'spawner/probe:latest',
    idleTimeoutMs,
    env: { ...env, FENCE_EVERY_MS: '100' },
    ...(kind === 'loose' ? { onLeaseLoss: 'CONTINUE' } : {}),
  };
  return key === '' ? { spec } : { spec, key: { name: key } };
}

/** Begins to use a session that may still start: its idle clock cannot run out before the first use. */
export type Use = (id: string, droneId: string) => Promise<unknown>;

/** Spawns it, begins to use it and waits for READY; the key is `name`, if its kind has one. */
export async function spawnSession(cluster: Cluster, wish: Wish, name: string, use?: Use): Promise<Session> {
  const key = wish.kind === 'plain' ? '' : name;
  const { status, json } = await cluster.call('POST', '/v1/backends', requestOf(wish, key));
  if (status !== 201) throw new Error(`a spawn was answered ${status}: ${JSON.stringify(json)}`);
  return sessionOf(await readyInUse(cluster, json.backend!, use), wish.kind);
}

async function readyInUse(
  cluster: Cluster,
  { id, droneId = '' }: BackendJson,
  use?: Use,
): Promise<BackendJson> {
  const [ready] = await Promise.all([cluster.inState(id, 'READY'), use?.(id, droneId)]);
  return ready;
}

export interface Respawn {
  session: Session;
  /** Wall time at which the answer came that it was spawned. */
  at: number;
}

/** Asks for the session of a key until the answer is a new one, begins to use it and waits for READY. */
export async function respawn(
  cluster: Cluster,
  wish: Wish,
  key: string,
  { timeoutMs = SPAWN_WITHIN_MS, use }: { timeoutMs?: number; use?: Use } = {},
): Promise<Respawn> {
  const answer = await eventually(
    async () => {
      const asked: ApiAnswer = await cluster.call('POST', '/v1/backends', requestOf(wish, key));
      if (!asked.json.spawned) throw new Error(`${key}: ${asked.status} ${JSON.stringify(asked.json)}`);
      return asked;
    },
    { timeoutMs, everyMs: 250 },
  );
  const at = Date.now();
  return { session: sessionOf(await readyInUse(cluster, answer.json.backend!, use), wish.kind), at };
}

function sessionOf({ id, key, fence = 0, droneId = '' }: BackendJson, kind: Kind): Session {
  return { id, kind, key: key?.name ?? '', fence: Number(fence), droneId };
}

export function idsOf(sessions: readonly Session[]): string[] {
  return sessions.map(({ id }) => id);
}
