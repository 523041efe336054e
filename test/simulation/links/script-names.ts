import { type ScriptDefinition, scriptOf } from '@spawner/store';
import { HarnessError } from '../../memory-redis/errors.ts';

/** A run of a script, as the store carried it out. */
export interface ScriptRun {
  readonly script: string;
  /** An argument by its name in the script's definition. */
  argument(name: string): string;
  /** The argument that most scripts begin with. */
  readonly id: string;
}

/** Tells which script of libs/store a command runs, from the loads that it has seen. An unknown script is a harness fault. */
export class ScriptNames {
  readonly #definitions = new Map<string, ScriptDefinition>();

  loaded(source: string, sha: string): void {
    this.#definitions.set(sha, definitionOf(source));
  }

  /** The script of an EVALSHA or EVAL; undefined for another command. */
  run(command: readonly (string | Buffer)[]): ScriptRun | undefined {
    if (command[0] !== 'EVALSHA' && command[0] !== 'EVAL') return undefined;
    const text = String(command[1]);
    const definition = this.#definitions.get(text) ?? definitionOf(text);
    const first = 3 + Number(command[2]);
    const names = Object.keys(definition.args);
    return {
      script: definition.name,
      id: String(command[first]),
      argument: (name) => {
        const at = names.indexOf(name);
        if (at < 0) throw new HarnessError(`the script ${definition.name} has no argument ${name}`);
        return String(command[first + at]);
      },
    };
  }
}

function definitionOf(source: string): ScriptDefinition {
  const definition = scriptOf(source);
  if (!definition) throw new HarnessError(`no script of libs/store begins with ${source.slice(0, 40)}`);
  return definition;
}
