import { readFileSync } from 'node:fs';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A configuration that was refused, with every problem at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`configuration: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/**
 * Reads typed values from an environment and collects every problem; `finish` throws them together. An empty value counts as
 * unset. Secrets may come from a file: `X_FILE` names it instead of `X`.
 */
export class EnvReader {
  readonly #env: Environment;
  readonly #known = new Set<string>();
  readonly #problems: string[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  /** A text; undefined if it is unset. */
  optional(name: string): string | undefined {
    this.#known.add(name);
    const value = this.#env[name];
    return value === undefined || value === '' ? undefined : value;
  }

  /** A text, or `fallback` if it is unset. */
  text(name: string, fallback: string): string {
    return this.optional(name) ?? fallback;
  }

  /** A text that must be set. `meaning` ends the sentence of the problem. */
  required(name: string, meaning: string): string {
    const value = this.optional(name);
    if (value === undefined) this.problem(name, `is required: ${meaning}`);
    return value ?? '';
  }

  /** A secret, from the variable or from the file that `<name>_FILE` names. */
  secret(name: string): string | undefined {
    const file = this.optional(`${name}_FILE`);
    const value = this.optional(name);
    if (file === undefined) return value;
    if (value !== undefined) this.problem(name, `and ${name}_FILE are both set`);
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {
      this.problem(`${name}_FILE`, `names a file that cannot be read: ${file}`);
      return undefined;
    }
  }

  integer(name: string, fallback: number, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}): number {
    const text = this.optional(name);
    if (text === undefined) return fallback;
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.problem(name, `must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
    return fallback;
  }

  /** A TCP or UDP port; 0 lets the system choose. */
  port(name: string, fallback: number): number {
    return this.integer(name, fallback, { min: 0, max: 65_535 });
  }

  flag(name: string, fallback: boolean): boolean {
    return this.oneOf(name, ['true', 'false'], fallback ? 'true' : 'false') === 'true';
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[], fallback: NoInfer<T>): T {
    const text = this.optional(name);
    if (text === undefined) return fallback;
    const found = allowed.find((value) => value === text);
    if (found === undefined)
      this.problem(name, `must be one of ${allowed.join(', ')}, not ${JSON.stringify(text)}`);
    return found ?? fallback;
  }

  /** Comma-separated texts; empty ones are dropped. */
  list(name: string, fallback: readonly string[] = []): string[] {
    const text = this.optional(name);
    if (text === undefined) return [...fallback];
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }

  /** A text that `accepts` accepts; if not, the problem says that it must be `must`. */
  checked(name: string, fallback: string, accepts: (text: string) => boolean, must: string): string {
    const value = this.text(name, fallback);
    if (!accepts(value)) this.problem(name, `must be ${must}, not ${JSON.stringify(value)}`);
    return value;
  }

  url(name: string, fallback: string, protocols: readonly string[]): string {
    return this.checked(
      name,
      fallback,
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1)),
      `a URL of ${protocols.join(' or ')}`,
    );
  }

  problem(name: string, what: string): void {
    this.#problems.push(`${name} ${what}`);
  }

  /** Throws every problem at once, including variables under `prefix` that were neither read nor are in `known`. */
  finish(prefix: string, known: ReadonlySet<string> = new Set()): void {
    for (const name of Object.keys(this.#env))
      if (name.startsWith(prefix) && !this.#known.has(name) && !known.has(name))
        this.problem(name, 'is not known');
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
  }
}
