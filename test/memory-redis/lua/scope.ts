import type { Identifier } from 'luaparse';
import { HarnessError } from '../errors.ts';

/** Lua that this compiler does not know. It is refused when a script is compiled, never guessed. */
export class NotSupported extends HarnessError {
  constructor(what: string, { loc }: { loc: { start: { line: number } } }) {
    super(`line ${loc.start.line} of the script: ${what} is not implemented`);
  }
}

/** Variables that a function's text declares before it begins. */
interface Frame {
  temporaries: string[];
}

interface Script {
  readonly source: string;
  /** Library functions and commands: the lookup, by the name that the text has for it. */
  readonly constants: Map<string, string>;
  names: number;
}

/** Maps Lua names to JavaScript names. Every declaration gets a name of its own. */
export class Scope {
  readonly #script: Script;
  readonly #frame: Frame;
  readonly #parent: Scope | undefined;
  readonly #names = new Map<string, string>();

  private constructor(script: Script, frame: Frame, parent: Scope | undefined) {
    this.#script = script;
    this.#frame = frame;
    this.#parent = parent;
  }

  static ofScript(source: string): Scope {
    const script = { source, constants: new Map<string, string>(), names: 0 };
    return new Scope(script, { temporaries: [] }, undefined);
  }

  /** A block within the same function. */
  block(): Scope {
    return new Scope(this.#script, this.#frame, this);
  }

  /** A function's own block. */
  function(): Scope {
    return new Scope(this.#script, { temporaries: [] }, this);
  }

  get source(): string {
    return this.#script.source;
  }

  get constants(): ReadonlyMap<string, string> {
    return this.#script.constants;
  }

  get temporaries(): readonly string[] {
    return this.#frame.temporaries;
  }

  declare(lua: string): string {
    const name = `${lua}_${this.#script.names++}`;
    this.#names.set(lua, name);
    return name;
  }

  /** A name that JavaScript has under the same spelling. */
  given(lua: string): void {
    this.#names.set(lua, lua);
  }

  /** The JavaScript name of a local variable. Returns undefined for a global one. */
  local({ name }: Pick<Identifier, 'name'>): string | undefined {
    return this.#names.get(name) ?? this.#parent?.local({ name });
  }

  /** A name that the text declares itself. */
  fresh(): string {
    return `t_${this.#script.names++}`;
  }

  /** A variable of the function for a value that is needed twice. */
  temporary(): string {
    const name = this.fresh();
    this.#frame.temporaries.push(name);
    return name;
  }

  /** The name of a value that is looked up once for the whole script. */
  constant(lookup: string): string {
    const known = this.#script.constants.get(lookup);
    if (known) return known;
    const name = `c_${this.#script.names++}`;
    this.#script.constants.set(lookup, name);
    return name;
  }
}
