import type { Reply } from '../redis/reply.ts';

/** Reads the store directly, at no cost of time: the checks are no party of the world. */
export type ReadStore = (command: readonly string[]) => Reply;
