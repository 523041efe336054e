import type { InvariantName } from '../world/invariants.ts';
import { AGENT_MUTATIONS } from './agent-mutations.ts';
import type { Change } from './change.ts';
import { DNS_MUTATIONS } from './dns-mutations.ts';
import { PROXY_MUTATIONS } from './proxy-mutations.ts';
import { SANDBOX_MUTATIONS } from './sandbox-mutations.ts';
import { SCHEDULER_MUTATIONS } from './scheduler-mutations.ts';
import { STORE_MUTATIONS } from './store-mutations.ts';

export interface Mutation {
  /** The invariant that must break, or `error` for a run that must end as an error. */
  readonly breaks: InvariantName | 'error';
  readonly changes: readonly Change[];
}

export type Mutations = Readonly<Record<string, Mutation>>;

/** Deliberate faults of the product. The simulation is worth what it catches of them (mutations.test.ts). */
export const MUTATIONS: Mutations = {
  ...STORE_MUTATIONS,
  ...SCHEDULER_MUTATIONS,
  ...AGENT_MUTATIONS,
  ...SANDBOX_MUTATIONS,
  ...PROXY_MUTATIONS,
  ...DNS_MUTATIONS,
};

/** The changes of a mutation by its name; none without one. */
export function changesOf(name: string | undefined): readonly Change[] {
  if (name === undefined) return [];
  const mutation = MUTATIONS[name];
  if (mutation) return mutation.changes;
  throw new Error(`no mutation has this name; there are:\n  ${Object.keys(MUTATIONS).join('\n  ')}`);
}
