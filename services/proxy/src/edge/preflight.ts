import { ALWAYS, type Reply } from './replies.ts';
import type { EdgeRequest } from './request.ts';

const LIMITED = 429;
/** Field names and methods, as the Fetch standard lists them. The edge repeats no other text of a client. */
const LIST = /^[\w!#$%&'*+.^`|~, -]{1,2048}$/;

type Asking = Pick<EdgeRequest, 'method' | 'upgrade' | 'header'>;

/**
 * The reply of the edge to a request, which may be a preflight. A preflight never has credentials and may not be redirected or
 * refused (Fetch standard §4.8). It learns that the request itself may come, without cookies. A page of another origin can
 * then bring its token as `Authorization`, or read why it is refused. For what the backend answers, its own rules hold.
 */
export function preflighted(request: Asking, reply: Reply): Reply {
  if (!isPreflight(request) || reply.status === LIMITED) return reply;
  const allowed = {
    'Access-Control-Allow-Methods': listIn(request, 'access-control-request-method'),
    'Access-Control-Allow-Headers': listIn(request, 'access-control-request-headers'),
  };
  const lists = Object.entries(allowed).filter(([, text]) => text !== '');
  return {
    outcome: 'preflight',
    status: 204,
    headers: { ...ALWAYS, ...Object.fromEntries(lists) },
    body: '',
  };
}

/** Whether a browser asks if a page of another origin may send a request (Fetch standard §4.9). */
export function isPreflight(request: Asking): boolean {
  if (request.method !== 'OPTIONS' || request.upgrade) return false;
  return ['origin', 'access-control-request-method'].every((name) => request.header(name) !== undefined);
}

function listIn(request: Asking, name: string): string {
  const text = request.header(name) ?? '';
  return LIST.test(text) ? text : '';
}
