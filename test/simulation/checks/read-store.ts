import type { Reply } from '../../memory-redis/reply.ts';

/** Reads the store at no cost of time, because the checks are no party of the world. */
export type ReadStore = (command: readonly string[]) => Reply;
