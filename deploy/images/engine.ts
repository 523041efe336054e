/** The three calls of the Docker Engine API that making an image takes, over its unix socket. */
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

export interface Image {
  id: string;
  /** Every name that it has. */
  tags: string[];
  labels: Record<string, string>;
}

export class Engine {
  readonly #socketPath: string;
  readonly #timeoutMs: number;

  /** `timeoutMs` bounds each call. */
  constructor(socketPath: string, timeoutMs = 60_000) {
    this.#socketPath = socketPath;
    this.#timeoutMs = timeoutMs;
  }

  /** The image of that name; null where there is none. */
  async inspect(reference: string): Promise<Image | null> {
    const { status, body } = await this.#call('GET', `/images/${reference}/json`);
    if (status === 404) return null;
    const image = JSON.parse(expectStatus(200, status, body)) as {
      Id: string;
      RepoTags?: string[];
      Config?: { Labels?: Image['labels'] };
    };
    return { id: image.Id, tags: image.RepoTags ?? [], labels: image.Config?.Labels ?? {} };
  }

  /** Makes an image of one layer from a tar stream and Dockerfile instructions; gives its id. */
  async import(reference: string, changes: string[], tar: AsyncIterable<Buffer>): Promise<string> {
    const [repo = '', tag = 'latest'] = reference.split(':');
    const query = new URLSearchParams({ fromSrc: '-', repo, tag });
    for (const change of changes) query.append('changes', change);
    const { status, body } = await this.#call('POST', `/images/create?${query}`, tar);
    const lines = expectStatus(200, status, body)
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { status?: string; error?: string });
    const failure = lines.find((line) => line.error)?.error;
    const id = lines.at(-1)?.status;
    if (failure || !id?.startsWith('sha256:'))
      throw new Error(`docker did not take the image: ${failure ?? body}`);
    return id;
  }

  /** Removes an image that no container uses; one in use stays. */
  async remove(id: string): Promise<void> {
    const { status, body } = await this.#call('DELETE', `/images/${id}`);
    if (status !== 404 && status !== 409) expectStatus(200, status, body);
  }

  async #call(method: string, path: string, body?: AsyncIterable<Buffer>) {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    const headers = body ? { 'content-type': 'application/x-tar' } : {};
    const outgoing = request({ socketPath: this.#socketPath, method, path, headers, signal });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve).once('error', reject);
    });
    const sent = pipeline(body ? Readable.from(body) : Readable.from([]), outgoing, { signal });
    const [response] = await Promise.all([answered, sent]).catch((cause: unknown) => {
      throw new Error(`no answer from docker at ${this.#socketPath}`, { cause });
    });
    return { status: response.statusCode ?? 0, body: await text(response) };
  }
}

function expectStatus(wanted: number, status: number, body: string): string {
  if (status !== wanted) throw new Error(`docker answered ${status}: ${body.trim()}`);
  return body;
}
