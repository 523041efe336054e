import type { Payload } from '../payload.ts';
import { ANSWERS } from './answers.ts';
import { CHUNKS } from './chunks.ts';
import { CODINGS } from './codings.ts';
import { CONNECTIONS } from './connections.ts';
import { HEADS } from './heads.ts';
import { LENGTHS } from './lengths.ts';
import { TARGETS } from './targets.ts';

/** Every payload of HTTP/1, by what it is about. */
export const GROUPS: Readonly<Record<string, readonly Payload[]>> = {
  'codings and lengths': CODINGS,
  lengths: LENGTHS,
  chunks: CHUNKS,
  heads: HEADS,
  targets: TARGETS,
  connections: CONNECTIONS,
  answers: ANSWERS,
};
