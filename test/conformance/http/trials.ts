import { type Course, type Observation, run } from './course.ts';
import type { Payload } from './payload.ts';
import { judge, told, type Verdict } from './verdict.ts';

/** Runs every payload once, several at the same time. */
export interface Trial extends Verdict {
  observation: Observation;
  /** The requests that the backend got, in a form that can be compared between two proxies. */
  told: unknown[];
}

export function tryAll(
  courses: readonly Course[],
  payloads: readonly Payload[],
): Promise<Map<Payload, Trial>> {
  return tryAllWith(courses, payloads, run);
}

/** The same, with another way to send a payload. */
export async function tryAllWith<Sent extends Payload>(
  courses: readonly Course[],
  payloads: readonly Sent[],
  send: (course: Course, payload: Sent) => Promise<Observation>,
): Promise<Map<Payload, Trial>> {
  const trials = new Map<Payload, Trial>();
  const left = [...payloads];
  await Promise.all(
    courses.map(async (course) => {
      for (let payload = left.shift(); payload; payload = left.shift()) {
        const observation = await send(course, payload);
        const verdict = judge(course, payload, observation);
        trials.set(payload, { ...verdict, observation, told: told(observation.requests, course.host) });
      }
    }),
  );
  return trials;
}
