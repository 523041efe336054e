/**
 * How long tests wait before they give up, one number for each kind of wait. These are no bounds of the product: a test
 * that asserts a bound measures it and calls a judge (time-bound.ts). They only have to outlast a machine on which every
 * program gets a fraction of a processor. They end before the test's own limit, with the condition in the message.
 */
export const PATIENCE = {
  /** A condition, an answer: milliseconds of work on a quiet machine. */
  conditionMs: 30_000,
  /** The start of one program, or of something it waits for: about a second of work. */
  startMs: 90_000,
  /** A backend's way to a state: an image, a container, its probes, and a first answer. */
  stateMs: 60_000,
  /** A whole stream, from a backend's start to its end. */
  streamMs: 120_000,
} as const;
