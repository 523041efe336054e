import type { InvariantName } from '../world/invariants.ts';

/** A condition that does not hold yet, and the true time by which it must. */
export interface Unmet {
  readonly invariant: InvariantName;
  readonly message: string;
  readonly by: number;
}
