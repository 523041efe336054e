import { type Clock, SPEC_DEFAULTS } from '@spawner/domain';
import { type BackendSpec, PullPolicy } from '@spawner/proto/v1/backend';
import { jsonLines } from '../json-lines.ts';
import { RuntimeError } from '../runtime.ts';
import { imageReference } from './container-spec.ts';
import { refusing, unlessMissing } from './errors.ts';
import { SeenImages } from './seen-images.ts';

/** What is asked of the engine about images. */
export interface ImageApi {
  /** Rejects with status 404 where the image is not there. */
  inspect(image: string): Promise<unknown>;
  /** The engine's progress, a JSON object a line. */
  pull(image: string, options: PullOptions): Promise<NodeJS.ReadableStream>;
}

export interface PullOptions {
  readonly abortSignal: AbortSignal;
  readonly authconfig?: { identitytoken: string } | PasswordLogin;
}

interface PasswordLogin {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}

/** The images of a drone: whether one is here, and having it by its spec's policy. */
export class Images {
  readonly #api: ImageApi;
  readonly #clock: Clock;
  readonly #seen = new SeenImages();

  constructor(api: ImageApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** Resolves when the image is here. Throws a RuntimeError with the registry's words. */
  async pull(spec: BackendSpec, signal: AbortSignal): Promise<void> {
    const image = imageReference(spec.image);
    if (spec.pullPolicy !== PullPolicy.ALWAYS && (await this.#isHere(image))) return;
    if (spec.pullPolicy === PullPolicy.NEVER)
      throw new RuntimeError(`${image} is not on this drone and its pull policy is NEVER`);
    const progress = await refusing(this.#api.pull(image, { abortSignal: signal, ...loginOf(spec) }));
    // A registry's refusal comes inside an answer of 200.
    for await (const line of jsonLines<{ error?: string }>(progress, signal))
      if (line.error) throw new RuntimeError(line.error);
  }

  /** The engine did not find the image: where it was thought to be here it is pulled after all. Whether it is worth another try. */
  async pullAgain(spec: BackendSpec): Promise<boolean> {
    if (!this.#seen.forget(imageReference(spec.image))) return false;
    const { pullTimeoutMs = SPEC_DEFAULTS.pullTimeoutMs } = spec;
    await this.pull(spec, AbortSignal.timeout(pullTimeoutMs));
    return true;
  }

  async #isHere(image: string): Promise<boolean> {
    const now = this.#clock.now();
    if (this.#seen.has(image, now)) return true;
    if ((await refusing(unlessMissing(this.#api.inspect(image)))) === undefined) return false;
    this.#seen.add(image, now);
    return true;
  }
}

function loginOf({ credentials }: BackendSpec): Pick<PullOptions, 'authconfig'> {
  const { username = '', password = '', identityToken = '' } = credentials ?? {};
  if (identityToken !== '') return { authconfig: { identitytoken: identityToken } };
  if (username === '' && password === '') return {};
  return { authconfig: { username, password, serveraddress: '' } };
}
