import { errorOf, SpawnerError } from './errors.ts';

export interface SpawnerOptions {
  /** The gateway's HTTP address, for instance `http://localhost:8080`. */
  url: string;
  /** Added to every request. */
  headers?: Readonly<Record<string, string>>;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch;
}

export interface CallOptions {
  signal?: AbortSignal;
}

/** A gateway over fetch. Every failure except an abort of the caller's signal is a SpawnerError. */
export class Http {
  readonly #options: SpawnerOptions;

  constructor(options: SpawnerOptions) {
    if (!URL.canParse(options.url)) throw new TypeError(`not a URL: ${options.url}`);
    this.#options = options;
  }

  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this.open(path, init);
    try {
      return (await response.json()) as T;
    } catch (cause) {
      init.signal?.throwIfAborted();
      const message = 'the answer broke off or is not JSON';
      throw new SpawnerError('UNAVAILABLE', message, response.status, { cause });
    }
  }

  post<T>(path: string, body: unknown, signal: AbortSignal | undefined): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return this.json(path, { method: 'POST', headers, body: JSON.stringify(body), signal });
  }

  async open(path: string, init: RequestInit): Promise<Response> {
    const { url, headers, fetch: ask = fetch } = this.#options;
    const target = `${url.replace(/\/+$/, '')}${path}`;
    const response = await ask(target, { ...init, headers: { ...headers, ...init.headers } }).catch(
      (cause: unknown) => {
        init.signal?.throwIfAborted();
        throw new SpawnerError('UNAVAILABLE', `no answer from ${url}`, 0, { cause });
      },
    );
    if (!response.ok) throw await errorOf(response);
    return response;
  }
}
