import type { IncomingMessage } from 'node:http';
import { AppError } from '@spawner/domain';
import { Refusal } from './refusal.ts';

/** Largest body, in bytes. */
export const BODY_LIMIT = 1024 * 1024;

/** Whether the head already says that the body is too large. */
export function announcesTooMuch(request: IncomingMessage): boolean {
  return Number(request.headers['content-length'] ?? 0) > BODY_LIMIT;
}

/** The JSON that a request carries. Throws 413 as soon as more than 1 MiB is announced or has come. */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  // A form of a foreign page can send anything but this type without asking first.
  if (type !== 'application/json')
    throw new Refusal(415, 'invalid', 'the content type must be application/json');
  if (announcesTooMuch(request)) throw tooLarge();
  return parseJson(utf8(await collect(request)));
}

/** Not `for await`, which would destroy the request, and with it the answer's way, when left early. */
function collect(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BODY_LIMIT) return chunks.push(chunk);
      request.removeListener('data', take);
      return reject(tooLarge());
    };
    request.on('data', take);
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('close', () => reject(new AppError('cancelled', 'the caller left')));
  });
}

function tooLarge(): Refusal {
  return new Refusal(413, 'exhausted', `the body is larger than ${BODY_LIMIT} bytes`, {
    connection: 'close',
  });
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('invalid', 'the body is not UTF-8', { cause });
  }
}

/** Parses JSON, or throws `invalid` with V8's own message, which names the position or the token where it stopped. */
export function parseJson(text: string): unknown {
  if (text.trim() === '') throw new AppError('invalid', 'the body is empty');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('invalid', `the body is not JSON: ${(cause as SyntaxError).message}`, { cause });
  }
}
