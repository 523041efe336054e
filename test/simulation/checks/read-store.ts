import type { Reply } from '../../memory-redis/reply.ts';

/** Reads the store at no cost of time, because the checks are no party of the world. */
export interface ReadStore {
  (command: readonly string[]): Reply;
  /** A hash or a set itself, for the checks that look most often. */
  readonly hash: (key: string) => ReadonlyMap<string, string> | undefined;
  readonly set: (key: string) => ReadonlySet<string> | undefined;
  /** How many times a key was written or deleted. */
  readonly writes: () => number;
}
