import { scriptOf } from '@spawner/store';

/** Tells which script of libs/store a digest belongs to, from the loads that it has seen. */
export class ScriptNames {
  readonly #names = new Map<string, string>();

  loaded(source: string, sha: string): void {
    const name = scriptOf(source)?.name;
    if (name !== undefined) this.#names.set(sha, name);
  }

  /** By digest, or by the text itself. */
  of(script: string): string | undefined {
    return this.#names.get(script) ?? scriptOf(script)?.name;
  }
}
