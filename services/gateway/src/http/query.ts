import { keyViolations, refuseViolations, type Violation } from '@spawner/domain';
import { type BackendKey, BackendState } from '@spawner/proto/v1/backend';

/** The query of a URL, read strictly: `finish` throws every wrong or unknown parameter at once. */
export class Query {
  readonly #parameters: URLSearchParams;
  readonly #known = new Set<string>();
  readonly #violations: Violation[] = [];

  constructor(parameters: URLSearchParams) {
    this.#parameters = parameters;
  }

  text(name: string): string {
    return this.optional(name) ?? '';
  }

  /** An empty text is one that was given. */
  optional(name: string): string | undefined {
    const [first, ...more] = this.#all(name);
    if (more.length > 0) this.#wrong(name, 'given more than once');
    return first;
  }

  /** A text that says something where it is given: an empty one is what a script's unset variable leaves. */
  filled(name: string): string {
    const text = this.optional(name);
    if (text === '') this.#wrong(name, 'must not be empty');
    return text ?? '';
  }

  flag(name: string): boolean {
    const text = this.optional(name) ?? 'false';
    if (text !== 'true' && text !== 'false') this.#wrong(name, 'must be true or false');
    return text === 'true';
  }

  integer(name: string, { min, max }: { min: number; max: number }): number | undefined {
    const text = this.optional(name);
    if (text === undefined) return undefined;
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.#wrong(name, `must be a whole number from ${min} to ${max}`);
    return undefined;
  }

  /** `state=READY`, any number of times. */
  states(name: string): BackendState[] {
    return this.#all(name).flatMap((text) => {
      const bare = text.replace(/^BACKEND_STATE_/, '');
      const found = Object.entries(BackendState).find(([known, value]) => known === bare && value !== 0);
      if (!found)
        this.#wrong(name, `must be a state such as READY, not ${JSON.stringify(text.slice(0, 64))}`);
      return found ? [found[1]] : [];
    });
  }

  /** `label=name=value`, any number of times. */
  labels(name: string): Record<string, string> {
    const pairs = this.#all(name).map((text) => {
      const at = text.indexOf('=');
      if (at < 1) this.#wrong(name, 'must be written name=value');
      return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)] as const;
    });
    return Object.fromEntries(pairs);
  }

  /** `keyName=…` and, where it has one, `keyNamespace=…`; nothing where neither is given. */
  key(): BackendKey | undefined {
    if (!this.#parameters.has('keyName') && !this.#parameters.has('keyNamespace')) return undefined;
    const key = { namespace: this.text('keyNamespace'), name: this.text('keyName'), tag: '' };
    for (const { field, message } of keyViolations(key))
      this.#wrong(field === 'key.name' ? 'keyName' : 'keyNamespace', message);
    return key;
  }

  /** Throws what was wrong; `unknown` says why a parameter that was not read is refused. */
  finish(unknown = 'unknown parameter'): void {
    for (const name of new Set(this.#parameters.keys()))
      if (!this.#known.has(name)) this.#wrong(name.slice(0, 64), unknown);
    refuseViolations(this.#violations);
  }

  #all(name: string): string[] {
    this.#known.add(name);
    return this.#parameters.getAll(name);
  }

  #wrong(field: string, message: string): void {
    this.#violations.push({ field, message });
  }
}
