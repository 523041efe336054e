import type { Course, Observation } from './course.ts';
import { isRefusal, type Meant, type Outcome, type Payload, type StreamEnd } from './payload.ts';
import { type SeenRequest, valuesOf } from './reading.ts';

/** A proxy's treatment of a payload; `wrong` is never allowed, and `problems` says why. */
export interface Verdict {
  outcome: Outcome | 'wrong';
  /** The status that the client got first. */
  status: number | undefined;
  /** How the stream of a request of HTTP/2 ended. */
  end?: StreamEnd | undefined;
  problems: string[];
}

export function judge({ mark }: Course, payload: Payload, seen: Observation): Verdict {
  const problems = [...seen.disagreements, ...seen.poisoned.map((each) => `another client: ${each}`)];
  for (const request of seen.requests)
    if (mark !== undefined && valuesOf(request, mark).length !== 1)
      problems.push(`a request that the proxy did not send: ${gist(request)}`);
  if (seen.rest === 'fault') problems.push('the client cannot read its answer');
  const common = { status: seen.answers[0]?.status, end: seen.end };
  if (problems.length > 0) return { outcome: 'wrong', ...common, problems };
  const outcome = outcomeOf(payload, seen);
  return typeof outcome === 'string'
    ? { outcome, ...common, problems: [] }
    : { outcome: 'wrong', ...common, problems: [outcome.problem] };
}

/** Says how the outcome differs from the payload's; undefined if it does not. */
export function complaint(payload: Payload, verdict: Verdict): string | undefined {
  const { outcome, status, end, problems } = verdict;
  const fits = payload.right === 'broken off' || status === payload.status;
  if (outcome === payload.right && fits && end === payload.end) return undefined;
  return [
    `${inWords(verdict)} instead of ${inWords({ ...payload, outcome: payload.right })}`,
    ...problems,
  ].join('; ');
}

/** As in `refused 400` or `refused (stream error)`. */
export function inWords({ outcome, status, end }: Pick<Verdict, 'outcome' | 'status' | 'end'>): string {
  return [outcome, status, end && end !== 'answer' ? `(${end})` : ''].join(' ').replace('  ', ' ').trim();
}

/**
 * The part of a verdict that two paths of one proxy must have in common. How much of a broken answer was sent before its fault was seen depends
 * on packets; everything else does not.
 */
export function essence({
  outcome,
  observation,
  told,
}: Verdict & { observation: Observation; told: unknown[] }) {
  const statuses = observation.answers.map(({ status }) => status);
  return outcome === 'broken off'
    ? { outcome, told }
    : { outcome, told, statuses, closed: observation.closed, end: observation.end };
}

function outcomeOf(payload: Payload, seen: Observation): Outcome | { problem: string } {
  const { answers, requests, closed, rest } = seen;
  if (requests.length === 0) return withoutRequest(payload, seen);
  if (requests.map(gist).join() !== payload.meant.map(gist).join())
    return { problem: `the backend got ${requests.map(gist).join(', ')}` };
  const own = answers.slice(0, payload.meant.length);
  const after = answers.slice(payload.meant.length);
  // A request that was found inside another one is for an unknown host, so the backend does not get it: its answer shows it.
  if (after.map(({ status }) => status).join() !== String(payload.after ?? ''))
    return { problem: `further answers: ${after.map(({ status }) => status).join() || 'none'}` };
  if (payload.after !== undefined && !closed) return { problem: 'refused what follows, but did not close' };
  const statuses = own.map(({ status }) => status);
  if (payload.right === 'broken off' && statuses.join() === '502') return 'broken off';
  if (own.length === 0 && rest === 'unfinished' && closed) return 'broken off';
  if (own.length === 0 && rest === 'nothing' && !closed) return 'waits';
  const allSame = statuses.every((status) => status === statuses[0]);
  if (own.length < payload.meant.length || !allSame)
    return { problem: `answered ${statuses.join() || 'nothing'}` };
  return 'one';
}

function withoutRequest(
  { early }: Payload,
  { answers, closed, end }: Observation,
): Outcome | { problem: string } {
  const [first] = answers;
  if (!first && end !== undefined && end !== 'lost') return 'refused';
  if (!first) return closed ? { problem: 'closed without an answer' } : 'waits';
  if (answers.length > 1) return { problem: 'more answers than requests' };
  if (early !== undefined) return 'one';
  if (!isRefusal(first.status)) return { problem: `answered ${first.status}, which refuses nothing` };
  if (first.status === 404 && !closed) return 'elsewhere';
  return closed ? 'refused' : { problem: `refused with ${first.status}, but did not close` };
}

function gist({ method, target, body }: Meant | SeenRequest): string {
  return `${method} ${target} ${JSON.stringify(body.slice(0, 80))}`;
}

/** The requests that a backend got, without differences that two ways of forwarding may rightly have. */
export function told(requests: readonly SeenRequest[], host: string): unknown[] {
  const id = host.split('.')[0] ?? host;
  return requests.map(({ method, target, body, headers }) => {
    const all = new Map<string, string>();
    for (const [name, value] of headers) {
      const key = name.toLowerCase();
      if (OF_ONE_HOP.has(key)) continue;
      const before = all.get(key);
      const both = before === undefined ? value : before + (key === 'cookie' ? '; ' : ', ') + value;
      // An empty last element leaves a blank at the end of the line, which is not part of the value (RFC 9110 §5.5).
      all.set(key, both.replaceAll(id, 'ID').trim());
    }
    // A length of zero and no length both mean that there is no body.
    if (body === '' && all.get('content-length') === '0') all.delete('content-length');
    return { method, target, body, headers: Object.fromEntries([...all].sort()) };
  });
}

const OF_ONE_HOP = new Set(['connection', 'keep-alive']);
