/** Many people who press the button at once: each spawns a backend and asks for it through the proxy straight after the answer. */
import { AppError } from '@spawner/domain';
import { eventually, request } from '@spawner/testkit';
import type { Cluster } from '../../cluster/cluster.ts';

/** Longer than any proxy holds a request. */
const ANSWER_MS = 900_000;
const END_MS = 120_000;

export interface Guest {
  readonly id: string;
  /** Status of the first request, which is held until the backend is ready. */
  readonly status: number;
  /** From the first call of the crowd to the first byte for this guest. */
  readonly servedMs: number;
}

/** Called with the guest's number once its spawn was answered. */
type Answered = (id: string, number: number) => unknown;

/** The guests in the order of their calls. Resolves when each of them has an answer. */
export function arrive(
  cluster: Cluster,
  image: string,
  size: number,
  answered: Answered = () => {},
): Promise<Guest[]> {
  const began = performance.now();
  const guest = async (_: unknown, number: number): Promise<Guest> => {
    const { id } = await cluster.spawn({ image, idleTimeoutMs: 0 });
    answered(id, number);
    const host = `${id}.${cluster.domain}`;
    const { status } = await request({ port: cluster.proxy.port, host, timeoutMs: ANSWER_MS });
    return { id, status, servedMs: performance.now() - began };
  };
  return Promise.all(Array.from({ length: size }, guest));
}

/** Ends the backends of all guests, and resolves when each has ended. */
export async function leave(cluster: Cluster, guests: readonly Guest[]): Promise<void> {
  await Promise.all(guests.map(({ id }) => cluster.terminate(id, true)));
  const ended = async () => {
    const living = await Promise.all(guests.map(({ id }) => cluster.backend(id)));
    const left = living.filter(({ state }) => state !== 'TERMINATED').length;
    if (left > 0) throw new AppError('unavailable', `${left} backends have not ended`);
  };
  await eventually(ended, { timeoutMs: END_MS, everyMs: 500 });
}

/** How far the guest that was served most out of turn is from its place in the order of the calls. */
export function mostOutOfOrder(guests: readonly Guest[]): number {
  const places = guests.map((_, called) => called).sort((a, b) => guests[a]!.servedMs - guests[b]!.servedMs);
  return Math.max(0, ...places.map((called, served) => Math.abs(called - served)));
}
