/**
 * Every promise that a world is held to, by the name that violations and mutations use. The first five groups are the
 * invariants of ARCHITECTURE.md; the last one says that the run itself is to be believed.
 */
export const INVARIANTS = {
  'fence-order': 'fences of a key are issued and started in increasing order',
  'one-holder': 'strict holders of a key never run at the same time',
  lease: 'a lease runs from the last renewal, and its end frees the keys of its drone',

  'in-use': 'no idle shutdown while a proxy has an exchange open',

  'right-backend': 'a request reaches only the backend that its host names',
  'true-end': 'a 404, a 410 or NOT_FOUND is given only after the end of the backend was committed',

  tokens:
    'a backend that asks for tokens is open to the holders of good ones, and to none whose token is missing or revoked',

  names: 'dns gives a backend the addresses of proxies that are there, from its placement to its end',

  'one-address': 'no address is in two places at the same time',
  'sandbox-use': 'a sandbox has at most one backend in its life',
  severed: 'a backend that has lost its network ends, and no agent takes it away',
  sandboxes: 'after healing, no sandbox or mark is left of a backend that is gone',

  'one-start': 'no id starts twice',
  'late-start': 'nothing starts after its end was ordered',
  'record-order': 'a record never returns to an earlier state',
  'end-cause': 'every record ends once, for a reason that is true',
  'step-times': 'no step of a start took less than no time',
  reservations:
    'the reservations of a drone, and its placements without a report, are those of its living records',
  'queue-order': 'a start queue serves in the order that it tells, which is fair and moves forward',
  'soonest-start': 'no placement ignores a drone that would start it clearly sooner',
  records: 'after healing, living records are programs and programs are living records',
  leftovers: 'after healing, no deadline, order or refusal is left over',

  'handed-over': 'a spawn that is answered as placed was handed to its drone',
  'replica-order': 'the entry of a replica never returns to an earlier epoch',
  replicas: 'after healing, every replica equals the store',
  answered: 'every call and every held request is answered within its bound',
  recovery: 'the cluster is whole again within its bound',
  'idle-shutdown': 'an unused backend ends within its idle timeout and the bounds of its end',

  availability:
    'in a healed world every request to a living backend reaches it, and every spawn with room becomes ready',

  'expected-errors': 'no loop, handler or client sees an error of a kind that is not expected',
} as const;

export type InvariantName = keyof typeof INVARIANTS;

/** An invariant does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: InvariantName;

  constructor(invariant: InvariantName, message: string) {
    super(message);
    this.invariant = invariant;
  }
}
