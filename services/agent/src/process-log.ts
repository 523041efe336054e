import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '@spawner/domain';
import { LogStream, type TailLogsResponse } from '@spawner/proto/v1/backend_service';
import { LineCutter } from './log-lines.ts';
import type { LogOptions } from './runtime.ts';

const READ_BYTES = 64 * 1024;
const LOOK_EVERY_MS = 100;

/** A program's output in two files. Only lines that are read as they come have a time. */
export interface LogFiles {
  readonly stdout: string;
  readonly stderr: string;
}

/** The files' lines, standard output's first; with `follow`, new ones until the program does not run any more. */
export async function* fileLines(
  files: LogFiles,
  { follow, tailLines, signal }: LogOptions,
  runs: () => boolean,
  clock: Clock,
): AsyncGenerator<TailLogsResponse> {
  const readers = [
    await FileReader.open(files.stdout, LogStream.STDOUT),
    await FileReader.open(files.stderr, LogStream.STDERR),
  ];
  try {
    const history = (await Promise.all(readers.map((reader) => reader.more()))).flat();
    const wanted = tailLines === 0 ? [] : history.slice(-(tailLines ?? history.length));
    yield* wanted;
    for (let running = follow; running && !signal.aborted; ) {
      running = runs();
      for (const reader of readers)
        for (const line of await reader.more()) yield { ...line, time: clock.wall() };
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
  readonly #cutter = new LineCutter();
  #position = 0;

  constructor(file: FileHandle, stream: LogStream) {
    this.#file = file;
    this.#stream = stream;
  }

  static async open(path: string, stream: LogStream): Promise<FileReader> {
    return new FileReader(await open(path), stream);
  }

  /** Whole lines that were written since the last time. */
  async more(): Promise<TailLogsResponse[]> {
    const lines: TailLogsResponse[] = [];
    // Nearly always there is nothing new, and no room has to be made for it.
    if ((await this.#file.stat()).size === this.#position) return lines;
    for (;;) {
      const { bytesRead, buffer } = await this.#file.read(
        Buffer.alloc(READ_BYTES),
        0,
        READ_BYTES,
        this.#position,
      );
      if (bytesRead === 0) return lines;
      this.#position += bytesRead;
      lines.push(...this.#named(this.#cutter.take(buffer.subarray(0, bytesRead))));
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
