import { type Clock, SPEC_DEFAULTS, within } from '@spawner/domain';
import { type BackendSpec, PullPolicy } from '@spawner/proto/v1/backend';
import { jsonLines } from '../json-lines.ts';
import { RuntimeError } from '../runtime.ts';
import { imageReference } from './container-spec.ts';
import { engineCall, unlessMissing } from './errors.ts';
import { SeenImages } from './seen-images.ts';

/** The engine's calls for images. */
export interface ImageApi {
  /** Rejects with status 404 if the image is not present. */
  inspect(image: string): Promise<unknown>;
  /** The engine's progress, a JSON object per line. */
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

/** The images of a drone, pulled by their spec's pull policy. */
export class Images {
  readonly #api: ImageApi;
  readonly #clock: Clock;
  readonly #seen = new SeenImages();

  constructor(api: ImageApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** Resolves when the image is present. Throws RuntimeError with the registry's message. */
  async pull(spec: BackendSpec, signal: AbortSignal): Promise<void> {
    const image = imageReference(spec.image);
    if (spec.pullPolicy !== PullPolicy.ALWAYS && (await this.#isPresent(image))) return;
    if (spec.pullPolicy === PullPolicy.NEVER)
      throw new RuntimeError(`${image} is not on this drone and its pull policy is NEVER`);
    const progress = await engineCall(this.#api.pull(image, { abortSignal: signal, ...loginOf(spec) }));
    // A registry's error comes inside an answer of 200.
    for await (const line of jsonLines<{ error?: string }>(progress, signal))
      if (line.error) throw new RuntimeError(line.error);
  }

  /**
   * Pulls an image that the engine did not find although it was present a moment ago. Returns false if it was not known to
   * be present, so that a second attempt is pointless.
   */
  async pullAgain(spec: BackendSpec): Promise<boolean> {
    if (!this.#seen.forget(imageReference(spec.image))) return false;
    const { pullTimeoutMs = SPEC_DEFAULTS.pullTimeoutMs } = spec;
    await within(this.#clock, pullTimeoutMs, (signal) => this.pull(spec, signal));
    return true;
  }

  async #isPresent(image: string): Promise<boolean> {
    const now = this.#clock.now();
    if (this.#seen.has(image, now)) return true;
    if ((await engineCall(unlessMissing(this.#api.inspect(image)))) === undefined) return false;
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
