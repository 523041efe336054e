import type { TailLogsResponse } from '@spawner/proto/v1/backend_service';
import { jsonLines } from '../json-lines.ts';
import { FrameReader } from '../log-lines.ts';
import type { LogOptions, Sample } from '../runtime.ts';
import { containerName, LABELS } from './container-spec.ts';
import { type EngineStats, sampleOf } from './container-stats.ts';
import type { Engine } from './engine.ts';

/** A container that ended or was removed. */
interface Ended {
  readonly container: string;
  readonly backend: string | undefined;
  readonly isHolder: boolean;
}

/** The engine's answers that take as long as a container lives. */
export class ContainerStreams {
  readonly #docker: Engine;

  /** The client has no timeout on silence. */
  constructor(docker: Engine) {
    this.#docker = docker;
  }

  async *logs(id: string, { follow, tailLines, signal }: LogOptions): AsyncGenerator<TailLogsResponse> {
    const options = { stdout: true, stderr: true, timestamps: true, tail: tailLines, follow };
    const reader = new FrameReader();
    for await (const bytes of await this.#logStream(id, options, signal)) yield* reader.take(bytes as Buffer);
    yield* reader.end();
  }

  async *stats(id: string, signal: AbortSignal): AsyncGenerator<Sample> {
    const container = this.#docker.getContainer(containerName(id));
    const stream = await container.stats({ stream: true, abortSignal: signal } as { stream: true });
    for await (const frame of jsonLines<EngineStats>(stream, signal)) {
      const sample = sampleOf(frame);
      if (sample) yield sample;
    }
  }

  /** The ends of containers with these labels. The engine is listening when this resolves. */
  async ended(label: string[], signal: AbortSignal): Promise<AsyncGenerator<Ended>> {
    const events = await this.#docker.getEvents({
      filters: { type: ['container'], event: ['die', 'destroy'], label },
      abortSignal: signal,
    });
    return endsIn(events, signal);
  }

  /** Streams the log. The client's own method buffers a log that is not followed, and that may be 20 MB. */
  #logStream(id: string, options: object, abortSignal: AbortSignal): Promise<NodeJS.ReadableStream> {
    const statusCodes = { 200: true, 404: 'no such container', 409: 'conflict', 500: 'server error' };
    const path = `/containers/${containerName(id)}/logs?`;
    const call = { path, method: 'GET', isStream: true, abortSignal, statusCodes, options };
    return new Promise((resolve, reject) => {
      this.#docker.modem.dial(call, (error, stream) =>
        error ? reject(error) : resolve(stream as NodeJS.ReadableStream),
      );
    });
  }
}

type Happened = { Actor?: { ID?: string; Attributes?: Record<string, string> } };

async function* endsIn(events: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<Ended> {
  for await (const { Actor } of jsonLines<Happened>(events, signal)) {
    const { [LABELS.backend]: backend, [LABELS.sandbox]: sandbox } = Actor?.Attributes ?? {};
    yield { container: Actor?.ID ?? '', backend, isHolder: sandbox !== undefined };
  }
}
