import type { Backends } from './backends.ts';
import type { Fleet } from './fleet.ts';
import type { ConnectionTokens } from './tokens.ts';

/** The public API, which both transports serve. */
export interface PublicApi {
  readonly backends: Backends;
  readonly tokens: ConnectionTokens;
  readonly fleet: Fleet;
}
