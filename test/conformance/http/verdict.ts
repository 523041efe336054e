import type { Course, Observation } from './course.ts';
import type { Meant, Payload } from './payload.ts';
import { type SeenRequest, valuesOf } from './reading.ts';

/**
 * What came of a payload: the backend got what was meant, or nothing; or the client still waits for an answer to what it
 * has not finished. Everything else is wrong, and `problems` says why.
 */
export interface Verdict {
  outcome: 'one' | 'refused' | 'elsewhere' | 'waits' | 'wrong';
  /** What the client was told first. */
  status: number | undefined;
  problems: string[];
}

export function judge({ mark }: Course, payload: Payload, seen: Observation): Verdict {
  const problems = [...seen.disagreements, ...seen.poisoned.map((each) => `another client: ${each}`)];
  for (const request of seen.requests)
    if (mark !== undefined && valuesOf(request, mark).length !== 1)
      problems.push(`a request that the proxy did not send: ${gist(request)}`);
  if (seen.rest === 'fault') problems.push('the client cannot read its answer');
  const status = seen.answers[0]?.status;
  if (problems.length > 0) return { outcome: 'wrong', status, problems };
  const { outcome, problem } = outcomeOf(payload, seen);
  return { outcome, status, problems: problem === undefined ? [] : [problem] };
}

/** Whether the outcome is right, in words where it is not. */
export function complaint({ right }: Payload, { outcome, status, problems }: Verdict): string | undefined {
  const allowed = right === 'either' ? ['one', 'refused', 'waits'] : [right];
  if (allowed.includes(outcome)) return undefined;
  return `${outcome} (${status ?? 'no answer'}) where ${right} is right${problems.map((each) => `; ${each}`).join('')}`;
}

function outcomeOf(
  payload: Payload,
  { answers, requests, closed, rest }: Observation,
): { outcome: Verdict['outcome']; problem?: string } {
  const wrong = (problem: string) => ({ outcome: 'wrong' as const, problem });
  const last = answers.at(-1);
  if (requests.length === 0) {
    if (answers.length === 0 && !closed) return { outcome: 'waits' };
    if (payload.early !== undefined && answers.length === 1) return { outcome: 'one' };
    if (!last || answers.length > 1 || last.status < 400) return wrong('no refusal');
    if (last.status === 404 && !closed) return { outcome: 'elsewhere' };
    return closed ? { outcome: 'refused' } : wrong(`refused with ${last.status}, but not closed`);
  }
  const meant = payload.meant.length > 0 ? payload.meant : [NOTHING];
  if (requests.map(gist).join() !== meant.map(gist).join())
    return wrong(`the backend got ${requests.map(gist).join(', ')}`);
  // What follows the last that was meant may be refused, if that ends the connection; or be a request to nobody.
  const own = answers.slice(0, meant.length);
  const after = answers.slice(meant.length);
  if (after.length > 1 || after.some(({ status }) => status < 400))
    return wrong('answers that nobody asked for');
  if (after.length === 1 && after[0]?.status !== 404 && !closed)
    return wrong('refused what follows, but not closed');
  const wanted = payload.status ?? 200;
  const statuses = own.map(({ status }) => status).join();
  if (payload.status === undefined && payload.script) {
    if (own.length === 0 && !closed && rest === 'nothing') return { outcome: 'waits' };
    if (own.length > 1 || (own.length === 0 && !closed && rest === 'nothing'))
      return wrong(`answers ${statuses}`);
    return { outcome: 'one' };
  }
  if (statuses !== meant.map(() => String(wanted)).join()) return wrong(`answered ${statuses || 'nothing'}`);
  return { outcome: 'one' };
}

const NOTHING: Meant = { method: 'nothing', target: '', body: '' };

function gist({ method, target, body }: Meant | SeenRequest): string {
  return `${method} ${target} ${JSON.stringify(body.slice(0, 80))}`;
}

/** What a backend was told, without what two ways of forwarding may rightly say differently. */
export function told(requests: readonly SeenRequest[], host: string): unknown[] {
  const id = host.split('.')[0] ?? host;
  return requests.map(({ method, target, body, headers }) => {
    const all = new Map<string, string>();
    for (const [name, value] of headers) {
      const key = name.toLowerCase();
      if (OF_ONE_HOP.has(key)) continue;
      const before = all.get(key);
      const both = before === undefined ? value : before + (key === 'cookie' ? '; ' : ', ') + value;
      // An empty part that comes last in one line is a blank at its end, which is no part of a value (RFC 9110 §5.5).
      all.set(key, both.replaceAll(id, 'ID').trim());
    }
    // To say that there is no body, and not to say that there is one, is the same.
    if (body === '' && all.get('content-length') === '0') all.delete('content-length');
    return { method, target, body, headers: Object.fromEntries([...all].sort()) };
  });
}

const OF_ONE_HOP = new Set(['connection', 'keep-alive']);
