import { connect } from 'node:net';
import { readAnswers } from './answers.ts';
import type { Mutant } from './mutants.ts';
import { readRequests, type SeenRequest, STRICT, valuesOf } from './reading.ts';
import type { Recorder } from './recorder.ts';
import { told } from './verdict.ts';

/** A proxy's port and a host behind it. Each connection of a wave comes from its own address, so the backend can tell them apart. */
export interface Way {
  port: number;
  host: string;
  recorder: Recorder;
}

export interface Outcome {
  /** The status of every answer: one for each whole request, and one more if the bytes behind them were refused. */
  statuses: number[];
  /** Some whole request got no answer, and the connection stayed open. */
  silent: boolean;
  /** The requests that the backend got from this connection. */
  told: unknown[];
}

export interface WaveResult {
  outcomes: Outcome[];
  /** Requests that reached the backend in another form than they were sent, or in another client's name. */
  problems: string[];
}

/** The status lines of final answers. A refusal of what is no request may or may not have a body, so none is read. */
const STATUS = /HTTP\/1\.1 ([2-5]\d\d) /g;
/** Well below the timeouts of the proxy, so that its 408 does not pass for an answer. */
const SILENCE_MS = 10_000;
/** Time for a proxy to forward an incomplete request, if it were wrong about that. */
const UNFINISHED_MS = 15;

/**
 * Sends all of them at once. Bytes that cannot become a request are refused as soon as a proxy sees that, which may be at the end
 * of their line: `faultMs` is the wait for it.
 */
export async function sendWave(
  { port, host, recorder }: Way,
  wave: readonly Mutant[],
  faultMs: number,
): Promise<WaveResult> {
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
        rest === 'nothing' ? 0 : rest === 'fault' ? faultMs : UNFINISHED_MS,
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
    else problems.push(`no client sent ${gist(request)}`);
  }
  const outcomes = wave.map(({ pieces }, at) => {
    const seen = own.get(addressOf(at)) ?? [];
    const { requests: whole = [], rest } = meant[at] ?? {};
    const { statuses, silent } = sent[at] ?? { statuses: [], silent: true };
    if (!isPartOf(seen, whole))
      problems.push(`${JSON.stringify(pieces)} became ${seen.map(gist).join(', ')}`);
    if (statuses.length > whole.length + (rest === 'nothing' ? 0 : 1))
      problems.push(`${JSON.stringify(pieces)} got more answers than requests: ${statuses.join(', ')}`);
    // Whether the head of an unfinished request is refused in time depends on the machine.
    const judged = rest === 'fault' ? statuses : statuses.slice(0, whole.length);
    return { statuses: judged, silent, told: told(seen, host) };
  });
  return { outcomes, problems };
}

function addressOf(at: number): string {
  return `127.203.${(at >> 8) + 1}.${at & 255}`;
}

/** Waits for the answers to these methods, and then for as long as given. */
function send(
  port: number,
  localAddress: string,
  pieces: readonly string[],
  methods: readonly string[],
  afterwardsMs: number,
): Promise<Pick<Outcome, 'statuses' | 'silent'>> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    let received = '';
    let waited: NodeJS.Timeout | undefined;
    const done = (silent: boolean) => {
      clearTimeout(late);
      clearTimeout(waited);
      socket.destroy();
      const statuses = [...received.matchAll(STATUS)].map(([, status]) => Number(status));
      resolve({ statuses, silent });
    };
    const late = setTimeout(() => done(true), SILENCE_MS);
    const look = () => {
      const { answers, rest } = readAnswers(received, methods, false);
      if (answers.length < methods.length && rest !== 'tunnel') return;
      if (afterwardsMs === 0) done(false);
      else waited ??= setTimeout(() => done(false), afterwardsMs);
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
    socket.on('close', () => done(false));
  });
}

/** Whether all of `seen` were sent, whole and in this order. */
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
