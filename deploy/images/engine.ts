/** The calls of the Docker Engine that making an image takes. */
import { Readable } from 'node:stream';
import Docker from 'dockerode';

export interface Image {
  id: string;
  /** All its names. */
  tags: string[];
  labels: Record<string, string>;
}

interface Progress {
  status?: string;
  error?: string;
}

export class Engine {
  readonly #docker: Docker;
  readonly #socketPath: string;

  /** `timeoutMs` bounds each call. */
  constructor(socketPath: string, timeoutMs = 60_000) {
    this.#socketPath = socketPath;
    this.#docker = new Docker({ socketPath, timeout: timeoutMs });
  }

  /** The image of that name. Returns null if there is none. */
  async inspect(reference: string): Promise<Image | null> {
    const image = await this.#answer(this.#docker.getImage(reference).inspect(), 404);
    return image && { id: image.Id, tags: image.RepoTags ?? [], labels: image.Config?.Labels ?? {} };
  }

  /** Makes an image of one layer from a tar stream and Dockerfile instructions. Returns its id. */
  async import(reference: string, changes: string[], tar: AsyncIterable<Buffer>): Promise<string> {
    const [repo = '', tag = 'latest'] = reference.split(':');
    const stream = await this.#answer(
      this.#docker.importImage(Readable.from(tar), { fromSrc: '-', repo, tag, changes }),
    );
    const lines = await new Promise<Progress[]>((resolve, reject) => {
      this.#docker.modem.followProgress(stream!, (error, output: Progress[]) =>
        error
          ? reject(new Error(`docker refused the image: ${error.message}`, { cause: error }))
          : resolve(output),
      );
    });
    const id = lines.at(-1)?.status;
    if (!id?.startsWith('sha256:')) throw new Error(`docker refused the image: ${JSON.stringify(lines)}`);
    return id;
  }

  /** The image as a tar stream that another engine can load. Throws if there is none. */
  async save(reference: string): Promise<NodeJS.ReadableStream> {
    const stream = await this.#answer(this.#docker.getImage(reference).get(), 404);
    if (!stream) throw new Error(`there is no image ${reference} in the engine at ${this.#socketPath}`);
    return stream;
  }

  /** Takes an image from another engine's tar stream. */
  async load(tar: NodeJS.ReadableStream): Promise<void> {
    const stream = await this.#answer(this.#docker.loadImage(tar, { quiet: true }));
    await new Promise<void>((resolve, reject) => {
      this.#docker.modem.followProgress(stream!, (error) =>
        error ? reject(new Error(`docker refused the image: ${error.message}`, { cause: error })) : resolve(),
      );
    });
  }

  /** Removes an image unless a container uses it. */
  async remove(id: string): Promise<void> {
    await this.#answer(this.#docker.getImage(id).remove(), 404, 409);
  }

  /** Returns null for the statuses that are expected. Errors without an answer name the socket. */
  async #answer<T>(call: Promise<T>, ...expected: number[]): Promise<T | null> {
    try {
      return await call;
    } catch (error) {
      const { statusCode } = error as { statusCode?: number };
      if (statusCode === undefined)
        throw new Error(`no answer from docker at ${this.#socketPath}`, { cause: error });
      if (expected.includes(statusCode)) return null;
      throw error;
    }
  }
}
