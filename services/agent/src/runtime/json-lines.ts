import { addAbortSignal, type Readable } from 'node:stream';
import { LineSplitter } from './log-lines.ts';

const MOST_BYTES = 16 * 1024 * 1024;

/** Reads a stream of JSON objects, one per line. Leaving the loop destroys the stream, and so does the signal. */
export async function* jsonLines<T>(stream: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<T> {
  const cutter = new LineSplitter(MOST_BYTES);
  addAbortSignal(signal, stream as Readable);
  try {
    for await (const bytes of stream)
      for (const line of cutter.take(Buffer.from(bytes))) if (line !== '') yield JSON.parse(line) as T;
    for (const line of cutter.end()) if (line !== '') yield JSON.parse(line) as T;
    signal.throwIfAborted();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
