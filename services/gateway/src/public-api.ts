import type { Backends } from './backends.ts';
import type { Fleet } from './fleet.ts';
import type { ConnectionTokens } from './tokens.ts';

/** What the gateway offers, over gRPC and over HTTP alike. */
export interface PublicApi {
  readonly backends: Backends;
  readonly tokens: ConnectionTokens;
  readonly fleet: Fleet;
}
