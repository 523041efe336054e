import { type Clock, SPEC_DEFAULTS, within } from '@spawner/domain';
import { type BackendSpec, PullPolicy, type PullProgress } from '@spawner/proto/v1/backend';
import type { Log } from '@spawner/service';
import { jsonLines } from '../json-lines.ts';
import { RuntimeError } from '../runtime.ts';
import { imageReference } from './container-spec.ts';
import { engineCall, unlessMissing } from './errors.ts';
import { pullAgainAfter } from './pull-retry.ts';
import { PullSlots } from './pull-slots.ts';
import { type PullLine, PullTally } from './pull-tally.ts';
import { SharedPulls } from './shared-pulls.ts';

type Login = { authconfig?: object };

/** The engine's calls for images. */
export interface ImageApi {
  /** Rejects with status 404 if the image is not present. */
  inspect(image: string): Promise<unknown>;
  /** The engine's progress, a JSON object per line. */
  pull(image: string, options: { abortSignal: AbortSignal } & Login): Promise<NodeJS.ReadableStream>;
}

/** Milliseconds for which an image that was present is assumed to be present still. */
const SEEN_MS = 60_000;
const MOST_SEEN = 1_000;

/**
 * The images that were present a moment ago, because asking the engine costs every start 5 ms. If an image was removed
 * since, the creation of the container fails, and then the image is pulled.
 */
export class SeenImages {
  readonly #seen = new Map<string, number>();

  has(image: string, now: number): boolean {
    return now - (this.#seen.get(image) ?? Number.NEGATIVE_INFINITY) < SEEN_MS;
  }

  add(image: string, now: number): void {
    if (this.#seen.size >= MOST_SEEN) this.#seen.clear();
    this.#seen.set(image, now);
  }

  /** Returns whether the image was assumed to be present. */
  forget(image: string): boolean {
    return this.#seen.delete(image);
  }
}

export interface ImagesOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** How many pulls the engine works on at once. The others wait in order. */
  readonly pullsAtOnce: number;
}

/** The images of a drone, pulled by their spec's pull policy. */
export class Images {
  readonly #api: ImageApi;
  readonly #options: ImagesOptions;
  readonly #clock: Clock;
  readonly #seen = new SeenImages();
  readonly #pulls = new SharedPulls();
  readonly #slots: PullSlots;
  /** The pulls that are under way, by image and login. */
  readonly #tallies = new Map<string, PullTally>();

  constructor(api: ImageApi, options: ImagesOptions) {
    this.#api = api;
    this.#options = options;
    this.#clock = options.clock;
    this.#slots = new PullSlots(options.pullsAtOnce);
  }

  /**
   * Resolves when the image is present. Throws RuntimeError with the registry's message. A transient failure of the registry is
   * followed by another attempt until the signal aborts.
   */
  async pull(spec: BackendSpec, signal: AbortSignal): Promise<void> {
    const image = imageReference(spec.image);
    if (spec.pullPolicy !== PullPolicy.ALWAYS && (await this.#isPresent(image))) return;
    if (spec.pullPolicy === PullPolicy.NEVER)
      throw new RuntimeError(`${image} is not on this drone and its pull policy is NEVER`);
    const login = loginOf(spec);
    const name = pullName(spec);
    const work = (abandoned: AbortSignal) => this.#pull(name, image, login, abandoned);
    // ALWAYS asks for what the registry has now, so it never joins an earlier pull. Nor does one join a pull with another login.
    if (spec.pullPolicy === PullPolicy.ALWAYS) return work(signal);
    await this.#pulls.join(name, work, signal);
  }

  /** How far the pull for this spec is. Returns undefined if none is under way. */
  progress(spec: BackendSpec): PullProgress | undefined {
    return this.#tallies.get(pullName(spec))?.progress();
  }

  async #pull(name: string, image: string, login: Login, signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#options;
    const tally = new PullTally();
    this.#tallies.set(name, tally);
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          // A pull that waits for its registry leaves its slot to others.
          return await this.#slots.run(() => this.#attempt(image, login, tally, signal), signal);
        } catch (error) {
          if (!(error instanceof RuntimeError)) throw error;
          const wait = pullAgainAfter(error.message, attempt, random);
          if (wait === undefined) throw error;
          tally.failed(error.message);
          log.warn({ error, image, attempt, again_in_ms: Math.round(wait) }, 'the pull is tried again');
          await clock.sleep(wait, signal);
        }
      }
    } finally {
      if (this.#tallies.get(name) === tally) this.#tallies.delete(name);
    }
  }

  async #attempt(image: string, login: Login, tally: PullTally, signal: AbortSignal): Promise<void> {
    tally.attempt();
    const progress = await engineCall(this.#api.pull(image, { abortSignal: signal, ...login }));
    for await (const line of jsonLines<PullLine>(progress, signal)) {
      // A registry's error comes inside an answer of 200.
      if (line.error) throw new RuntimeError(line.error);
      tally.take(line);
    }
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

/** Pulls of the same name are the same. */
function pullName(spec: BackendSpec): string {
  return JSON.stringify([imageReference(spec.image), loginOf(spec)]);
}

function loginOf({ credentials }: BackendSpec): Login {
  const { username = '', password = '', identityToken = '' } = credentials ?? {};
  if (identityToken !== '') return { authconfig: { identitytoken: identityToken } };
  if (username === '' && password === '') return {};
  return { authconfig: { username, password, serveraddress: '' } };
}
