import { STATUS_CODES } from 'node:http';
import type { Reply } from '../edge/replies.ts';

/** A reply of the edge's own as HTTP/1.1 writes it. `closing`: the connection ends with it. */
export function replyBytes({ status, headers, body }: Reply, closing: boolean): Buffer {
  const connection = closing ? { Connection: 'close' } : {};
  const all = { ...headers, 'Content-Length': Buffer.byteLength(body), ...connection };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
