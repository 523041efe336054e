import type { BackendServiceService } from '@spawner/proto/v1/backend_service';
import type { FleetServiceService } from '@spawner/proto/v1/fleet_service';
import type { CallContext, Handlers } from '@spawner/rpc';
import { type BackendsParts, backendMethods } from './backends.ts';
import { fleetMethods } from './fleet.ts';
import { tokenMethods } from './tokens.ts';

/** The caller of a method. Its signal aborts when it leaves. A caller without `timeLeftMs` has no deadline. */
export type Caller = Pick<CallContext, 'signal'> & Partial<Pick<CallContext, 'timeLeftMs'>>;

export type BackendMethods = Handlers<typeof BackendServiceService, Caller>;
export type FleetMethods = Handlers<typeof FleetServiceService, Caller>;
/** The public API: the methods of the contract, which both transports serve. */
export type PublicApi = BackendMethods & FleetMethods;

export function publicApi(parts: BackendsParts): PublicApi {
  return { ...backendMethods(parts), ...tokenMethods(parts), ...fleetMethods(parts.scheduler) };
}
