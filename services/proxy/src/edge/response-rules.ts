import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { BOUNDS } from '../timeouts.ts';
import { endOfValue, lengthOf } from './header-lines.ts';

/**
 * The answers that Node's parser takes and that no client may get as they are: the same as the fast path refuses, so that a
 * backend's answer does not depend on the way it takes (RFC 9110 §8.6, §15; RFC 9112 §6).
 */

/** What is read of an answer here. */
export type ParsedHead = Pick<
  IncomingMessage,
  'headers' | 'httpVersion' | 'rawHeaders' | 'statusCode' | 'statusMessage'
>;

/** Why the final answer cannot be handed on, or nothing. */
export function objectionTo(answer: ParsedHead): string | undefined {
  const { headers, httpVersion } = answer;
  const status = answer.statusCode ?? 0;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return `the backend answered in HTTP/${httpVersion}`;
  if (status < 200) return `the backend answered ${status}`;
  const objection = objectionToHead(answer);
  if (objection !== undefined) return objection;
  // What is not taken off here would be lost, and a client would take the coded body for the plain one.
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0'))
    return 'the backend answered in a coding that is not known here';
  const length = headers['content-length'];
  return length === undefined || lengthOf(length) >= 0
    ? undefined
    : 'the backend answered with a strange length';
}

/** Why this `101` is no answer to a WebSocket handshake, or nothing; the parser has looked at `Connection`. */
export function objectionToSwitch(answer: ParsedHead): string | undefined {
  const isWebSocket = answer.headers.upgrade?.toLowerCase() === 'websocket';
  return isWebSocket ? objectionToHead(answer) : 'the backend switched to another protocol';
}

function objectionToHead({ rawHeaders, statusMessage = '' }: ParsedHead): string | undefined {
  if (rawHeaders.length > BOUNDS.responseLines * 2) return 'the backend answered with too many header lines';
  return endOfValue(statusMessage, 0) === statusMessage.length
    ? undefined
    : 'the backend answered with a control in its reason';
}

/** Fails a request whose backend sends interim answers and no other. */
export function boundInterim(outgoing: ClientRequest): void {
  let count = 0;
  outgoing.on('information', () => {
    count += 1;
    if (count > BOUNDS.interimResponses)
      outgoing.destroy(new Error('the backend sent too many interim answers'));
  });
}

/**
 * Without a length where the status allows none (RFC 9110 §8.6), nor, for a client of HTTP/2, where Node leaves out the body: such
 * a client takes the answer for a broken one.
 */
export function withoutIdleLength(
  headers: IncomingHttpHeaders,
  status: number,
  clientVersion = 1,
): IncomingHttpHeaders {
  const bodiless = status < 200 || status === 204 || (status === 205 && clientVersion > 1);
  if (!bodiless) return headers;
  const { 'content-length': _, ...others } = headers;
  return others;
}

const TIMEOUT = /(?:^|[\s,])timeout=(\d{1,6})(?:$|[\s,])/i;

/** How long a backend that sends this `Keep-Alive` means to keep its connection without a request, in milliseconds. */
export function keptMsOf(keepAlive: string): number {
  const seconds = TIMEOUT.exec(keepAlive)?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000;
}

/**
 * Node's agent reads it of the answer once that is over, and only where it stands first; to be called after the headers were
 * replaced, and to take effect after they were copied to the client.
 */
export function letAgentRead(
  answer: Pick<IncomingMessage, 'headers'>,
  keepAlive: IncomingHttpHeaders[string],
): void {
  const ms = keptMsOf(String(keepAlive));
  if (ms === Number.POSITIVE_INFINITY) return;
  process.nextTick(() => {
    answer.headers['keep-alive'] = `timeout=${ms / 1_000}`;
  });
}
