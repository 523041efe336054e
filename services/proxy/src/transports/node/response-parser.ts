import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { lengthOf } from '../../edge/header-lines.ts';
import { responseHeaders } from '../../edge/headers.ts';
import {
  allowsLength,
  isInterim,
  OTHER_PROTOCOL,
  objectionTo,
  objectionToSwitch,
  type ResponseHead,
  tooManyInterim,
} from '../../edge/response-rules.ts';
import { BOUNDS } from '../../timeouts.ts';
import { UnforwardableAnswer } from './answer-agent.ts';

/** The fields of a response that are read here. */
export type ParsedResponse = Pick<
  IncomingMessage,
  'headers' | 'httpVersion' | 'rawHeaders' | 'statusCode' | 'statusMessage'
>;

/**
 * A response that Node's parser has read, as the client gets it, or the objection of edge/response-rules.ts to it. `version`
 * is the major HTTP version of the client.
 */
export type NodeResponse =
  | { readonly objection: string }
  | { readonly objection?: undefined; status: number; headers: IncomingHttpHeaders };

/** Reads the final response to a request. */
export function readResponse(answer: ParsedResponse, clusterDomain: string, version: number): NodeResponse {
  const head = headOf(answer);
  const objection = objectionTo(head);
  if (objection !== undefined) return { objection };
  if (isInterim(head.status) || head.status === 101) return { objection: OTHER_PROTOCOL };
  // HTTP/1 carries such a status; Node's HTTP/2 throws.
  const status = version > 1 && head.status > 599 ? 502 : head.status;
  // A client of HTTP/2 gets no body with 205 from Node, and would wait for one that is announced.
  const hasLength = allowsLength(status) && !(status === 205 && version > 1);
  return { status, headers: forClient(answer, clusterDomain, hasLength) };
}

/** Reads the response to the handshake of an extended CONNECT that is no 101. A success would open the tunnel: it is refused. */
export function readRefusal(answer: ParsedResponse, clusterDomain: string): NodeResponse {
  const status = answer.statusCode ?? 0;
  return status < 300 || status > 599
    ? { objection: `it answers the handshake of a WebSocket with ${status}` }
    : readResponse(answer, clusterDomain, 1);
}

/** Reads a 101. */
export function readSwitch(answer: ParsedResponse, clusterDomain: string): NodeResponse {
  const objection = objectionToSwitch(headOf(answer));
  if (objection !== undefined) return { objection };
  return { status: 101, headers: forClient(answer, clusterDomain, false) };
}

/** Fails a request whose backend sends too many interim responses. */
export function boundInterim(outgoing: ClientRequest): void {
  let count = 0;
  outgoing.on('information', () => {
    count += 1;
    if (count > BOUNDS.interimResponses) outgoing.destroy(new UnforwardableAnswer(tooManyInterim()));
  });
}

function headOf(answer: ParsedResponse): ResponseHead {
  const { httpVersion, statusCode: status = 0, statusMessage: reason = '' } = answer;
  const { 'content-length': length, 'transfer-encoding': coding, upgrade: upgradeTo } = answer.headers;
  return {
    httpVersion,
    status,
    reason,
    lines: answer.rawHeaders.length / 2,
    coding,
    length: length === undefined ? undefined : lengthOf(length),
    upgradeTo,
  };
}

function forClient({ headers }: ParsedResponse, clusterDomain: string, hasLength: boolean) {
  const { 'content-length': _, ...others } = headers;
  return responseHeaders(hasLength ? headers : others, clusterDomain);
}
