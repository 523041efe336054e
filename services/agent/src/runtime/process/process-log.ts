import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@spawner/domain';
import { LogStream, type TailLogsResponse } from '@spawner/proto/v1/backend_service';
import { LineSplitter } from '../log-lines.ts';
import type { LogOptions } from '../runtime.ts';

const READ_BYTES = 64 * 1024;
/** The most bytes of the past that are read from each file. The files grow until their program ends. */
const MOST_PAST_BYTES = 10 * 1024 * 1024;
const LOOK_EVERY_MS = 100;

/**
 * The lines of the last 10 MiB of each file of a program's output, stdout first, and with `follow`, new ones while the
 * program runs. Only followed lines have a time.
 */
export async function* fileLines(
  dir: string,
  { follow, tailLines, signal }: LogOptions,
  runs: () => boolean,
  clock: Clock,
): AsyncGenerator<TailLogsResponse> {
  // Lines are split at this size, so the wanted ones are not further back.
  const past = Math.min(MOST_PAST_BYTES, ((tailLines ?? Number.POSITIVE_INFINITY) + 1) * READ_BYTES);
  const readers = [
    await openReader(join(dir, 'stdout'), LogStream.STDOUT, past),
    await openReader(join(dir, 'stderr'), LogStream.STDERR, past),
  ];
  try {
    const history = (await Promise.all(readers.map((reader) => reader.past()))).flat();
    const wanted = tailLines === 0 ? [] : history.slice(-(tailLines ?? history.length));
    yield* wanted;
    for (let running = follow; running && !signal.aborted; ) {
      running = runs();
      for (const reader of readers)
        for await (const line of reader.more()) yield { ...line, time: clock.wall() };
      if (running) await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
    }
    if (!runs()) for (const reader of readers) yield* reader.rest();
  } finally {
    for (const reader of readers) await reader.close();
  }
}

/** Reads the complete lines of a file. It begins `past` bytes before the present end of the file. */
async function openReader(path: string, stream: LogStream, past: number) {
  const file = await open(path);
  const { size } = await file.stat();
  let position = Math.max(0, size - past);
  const cutter = new LineSplitter();
  const named = (lines: string[]): TailLogsResponse[] => lines.map((text) => ({ stream, text }));

  /** The complete lines since the last call. */
  async function* more(): AsyncGenerator<TailLogsResponse> {
    const { size } = await file.stat();
    while (position < size) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield* named(cutter.take(buffer.subarray(0, bytesRead)));
    }
  }

  return {
    more,
    /** The complete lines up to now, without the first if it is cut off. */
    past: async () => {
      const inMiddle = position > 0;
      const lines: TailLogsResponse[] = [];
      for await (const line of more()) lines.push(line);
      return inMiddle ? lines.slice(1) : lines;
    },
    rest: () => named(cutter.end()),
    close: () => file.close(),
  };
}
