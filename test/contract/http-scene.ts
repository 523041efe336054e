import { type HttpAnswer, type RequestOptions, request } from '@spawner/testkit';
import { startGateway, type TestGateway } from './gateway.ts';

/** A gateway and the calls that HTTP tests make of it. */
export interface HttpScene extends AsyncDisposable {
  gateway: TestGateway;
  ask(options: Omit<RequestOptions, 'port'>): Promise<HttpAnswer>;
  get(path: string, headers?: Record<string, string>): Promise<HttpAnswer>;
  /** POST /v1/backends; a text goes as it is, anything else as JSON. */
  post(body: unknown, headers?: Record<string, string>): Promise<HttpAnswer>;
  /** Spawns and resolves with the id. */
  spawn(image?: string, more?: object): Promise<string>;
}

export async function startHttpScene(): Promise<HttpScene> {
  const gateway = await startGateway();
  const ask: HttpScene['ask'] = (options) => request({ port: gateway.httpPort, ...options });
  const post: HttpScene['post'] = (body, headers = {}) =>
    ask({
      path: '/v1/backends',
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    gateway,
    ask,
    post,
    get: (path, headers = {}) => ask({ path, headers }),
    spawn: async (image = 'test/web', more = {}) => {
      const answer = await post({ spec: { image, ...more } });
      if (answer.status !== 201) throw new Error(`the spawn was answered ${answer.status}: ${answer.body}`);
      return bodyOf(answer).backend.id;
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

export function bodyOf(answer: HttpAnswer) {
  return JSON.parse(answer.body);
}

export const NOBODY = 'a'.repeat(26);
