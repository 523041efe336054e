import { connect } from 'node:net';
import { PATIENCE } from './patience.ts';

export interface RawOptions {
  address?: string;
  timeoutMs?: number;
  /** Stop reading as soon as this holds for all that has come; by default it reads until the other side closes. */
  until?: (received: string) => boolean;
}

/**
 * Sends exactly these bytes to the port and resolves with what comes back (as latin1 text, one character a byte), for
 * requests that no HTTP client would make. Rejects after `timeoutMs` (30 s), saying what had come by then.
 */
export function rawHttp(
  port: number,
  bytes: string | Uint8Array,
  { address = '127.0.0.1', timeoutMs = PATIENCE.conditionMs, until }: RawOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: address });
    let received = '';
    const late = setTimeout(() => {
      socket.destroy(new Error(`no end within ${timeoutMs} ms; had received ${JSON.stringify(received)}`));
    }, timeoutMs);
    socket.setEncoding('latin1');
    socket.once('connect', () => socket.write(bytes));
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (until?.(received)) socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(late);
      resolve(received);
    });
  });
}

/** Sends a text to a server of lines and resolves with the first chunk that comes back, which is empty if it hangs up; 2 s at most. */
export function ask(port: number, text: string, address?: string): Promise<string> {
  return rawHttp(port, text, { address, timeoutMs: 2_000, until: () => true });
}
