import { connect } from 'node:net';
import { readAnswers } from './answers.ts';
import type { Mutant } from './mutants.ts';
import { readRequests, type SeenRequest, STRICT, valuesOf } from './reading.ts';
import type { Recorder } from './recorder.ts';
import { told } from './verdict.ts';

/** Many connections at once, each from an address of its own, so that the backend knows of every request whose it is. */
export interface Way {
  port: number;
  host: string;
  recorder: Recorder;
}

export interface Outcome {
  /** Of what was whole in what was sent; what is said to the rest is a matter of time. */
  statuses: (number | 'refused')[];
  /** Neither all that was to be expected came, nor an end. */
  silent: boolean;
  /** What the backend was told on its account. */
  told: unknown[];
}

export interface WaveResult {
  outcomes: Outcome[];
  /** What no request of these may do: reach the backend otherwise than it was sent, or in somebody else's name. */
  problems: string[];
}

const DEADLINE_MS = 60_000;
/** Long enough for a proxy to send on what is no whole request, if it were wrong about that. */
const UNFINISHED_MS = 15;
/** What is no request is refused as soon as a proxy sees that; it may wait for the end of its line. */
const FAULT_MS = 100;

export async function sendWave({ port, host, recorder }: Way, wave: readonly Mutant[]): Promise<WaveResult> {
  recorder.take();
  const meant = wave.map(({ pieces }) => readRequests(pieces.join(''), STRICT));
  const sent = await Promise.all(
    wave.map(({ pieces }, at) => {
      const { requests, rest } = meant[at] ?? { requests: [], rest: 'nothing' as const };
      return send(
        port,
        addressOf(at),
        pieces,
        requests.map(({ method }) => method),
        rest,
      );
    }),
  );
  const { requests, disagreements } = recorder.take();
  const own = new Map<string, SeenRequest[]>(wave.map((_, at) => [addressOf(at), []]));
  const problems = [...disagreements];
  for (const request of requests) {
    const from = valuesOf(request, 'x-forwarded-for').join();
    const mine = own.get(from);
    if (mine && valuesOf(request, 'x-spawner-backend').length === 1) mine.push(request);
    else problems.push(`nobody sent ${gist(request)}`);
  }
  const outcomes = wave.map(({ pieces }, at) => {
    const seen = own.get(addressOf(at)) ?? [];
    if (!isPartOf(seen, meant[at]?.requests ?? []))
      problems.push(`${JSON.stringify(pieces)} became ${seen.map(gist).join(', ')}`);
    return { ...(sent[at] ?? { statuses: [], silent: true }), told: told(seen, host) };
  });
  return { outcomes, problems };
}

/** How many more refusals come after one before the connection is closed is a matter of time. */
function untilRefused(statuses: Outcome['statuses']): Outcome['statuses'] {
  const kept = [...statuses];
  while (kept.at(-1) === 'refused' && kept.at(-2) === 'refused') kept.pop();
  return kept;
}

function addressOf(at: number): string {
  return `127.203.${(at >> 8) + 1}.${at & 255}`;
}

function send(
  port: number,
  localAddress: string,
  pieces: readonly string[],
  methods: readonly string[],
  rest: string,
): Promise<{ statuses: Outcome['statuses']; silent: boolean }> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    let received = '';
    const done = (closed: boolean, silent: boolean) => {
      clearTimeout(late);
      socket.destroy();
      const statuses = readAnswers(received, methods, closed).answers.map(({ status }) =>
        // With which words is a matter of what was seen first.
        status < 400 ? status : ('refused' as const),
      );
      resolve({ statuses: rest === 'fault' ? [] : untilRefused(statuses.slice(0, methods.length)), silent });
    };
    const late = setTimeout(() => done(false, true), DEADLINE_MS);
    const look = () => {
      const { answers, rest: after } = readAnswers(received, methods, false);
      if (answers.length < methods.length && after !== 'tunnel') return;
      if (rest === 'nothing') done(false, false);
      else setTimeout(() => done(false, false), rest === 'fault' ? FAULT_MS : UNFINISHED_MS);
    };
    socket.on('connect', () => {
      socket.write(pieces[0] ?? '', 'latin1');
      if (pieces.length > 1) setImmediate(() => socket.write(pieces.slice(1).join(''), 'latin1'));
      if (methods.length === 0) look();
    });
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      look();
    });
    socket.on('error', () => {});
    socket.on('close', () => done(true, false));
  });
}

/** Whether these are some of those that were sent, whole, in their order, and no others. */
function isPartOf(seen: readonly SeenRequest[], sent: readonly SeenRequest[]): boolean {
  let at = 0;
  return seen.every((request) => {
    while (at < sent.length && gist(sent[at]) !== gist(request)) at += 1;
    return at++ < sent.length;
  });
}

function gist(request: SeenRequest | undefined): string {
  if (!request) return '';
  const path = request.target.replace(/^https?:\/\/[^/?]*/i, '');
  return `${request.method} ${path.startsWith('/') ? path : `/${path}`} ${JSON.stringify(request.body)}`;
}
