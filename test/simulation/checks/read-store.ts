import type { Reply } from '../../memory-redis/reply.ts';

/** Reads the store directly, at no cost of time: the checks are no party of the world. */
export type ReadStore = (command: readonly string[]) => Reply;
