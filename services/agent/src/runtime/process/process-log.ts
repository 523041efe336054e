import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '@spawner/domain';
import { LogStream, type TailLogsResponse } from '@spawner/proto/v1/backend_service';
import { LineSplitter } from '../log-lines.ts';
import type { LogOptions } from '../runtime.ts';

const READ_BYTES = 64 * 1024;
/** The most bytes of the past that are read from each file. The files grow until their program ends. */
const MOST_PAST_BYTES = 10 * 1024 * 1024;
const LOOK_EVERY_MS = 100;

/** The files of a program's output. Only followed lines have a time. */
export interface LogFiles {
  readonly stdout: string;
  readonly stderr: string;
}

/** The lines of the last 10 MiB of each file, stdout first, and with `follow`, new ones while the program runs. */
export async function* fileLines(
  files: LogFiles,
  { follow, tailLines, signal }: LogOptions,
  runs: () => boolean,
  clock: Clock,
): AsyncGenerator<TailLogsResponse> {
  // Lines are split at this size, so the wanted ones are not further back.
  const past = Math.min(MOST_PAST_BYTES, ((tailLines ?? Number.POSITIVE_INFINITY) + 1) * READ_BYTES);
  const readers = [
    await FileReader.open(files.stdout, LogStream.STDOUT, past),
    await FileReader.open(files.stderr, LogStream.STDERR, past),
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

class FileReader {
  readonly #file: FileHandle;
  readonly #stream: LogStream;
  readonly #cutter = new LineSplitter();
  #position: number;

  constructor(file: FileHandle, stream: LogStream, position: number) {
    this.#file = file;
    this.#stream = stream;
    this.#position = position;
  }

  /** Starts `past` bytes before the end of the file. */
  static async open(path: string, stream: LogStream, past: number): Promise<FileReader> {
    const file = await open(path);
    const { size } = await file.stat();
    return new FileReader(file, stream, Math.max(0, size - past));
  }

  /** The complete lines up to now, without the first if it is cut off. */
  async past(): Promise<TailLogsResponse[]> {
    const inMiddle = this.#position > 0;
    const lines: TailLogsResponse[] = [];
    for await (const line of this.more()) lines.push(line);
    return inMiddle ? lines.slice(1) : lines;
  }

  /** The complete lines since the last call. */
  async *more(): AsyncGenerator<TailLogsResponse> {
    const { size } = await this.#file.stat();
    while (this.#position < size) {
      const room = Buffer.allocUnsafe(READ_BYTES);
      const { bytesRead } = await this.#file.read(room, 0, READ_BYTES, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      yield* this.#named(this.#cutter.take(room.subarray(0, bytesRead)));
    }
  }

  rest(): TailLogsResponse[] {
    return this.#named(this.#cutter.end());
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #named(lines: string[]): TailLogsResponse[] {
    return lines.map((text) => ({ stream: this.#stream, text }));
  }
}
