/** How one argument of a script travels: as text in ARGV, then as a local variable of the script. */
export interface Argument<T> {
  encode(value: T): string | Buffer;
  /** The Lua expression for the local variable, given the expression for the text. */
  lua(text: string): string;
}

export type Arguments = Readonly<Record<string, Argument<never>>>;

/** The values that a caller gives for a script's arguments. */
export type ValuesOf<A extends Arguments> = {
  readonly [Name in keyof A]: A[Name] extends Argument<infer T> ? T : never;
};

const asItIs = (text: string) => text;

export const text: Argument<string> = { encode: asItIs, lua: asItIs };

/** A serialized message. An empty buffer is the empty string. */
export const bytes: Argument<Buffer> = { encode: (value) => value, lua: asItIs };

/** A whole number, with which the script calculates. */
export const integer: Argument<number> = { encode: String, lua: (text) => `tonumber(${text})` };

/** A whole number that the script only stores and compares: it stays text, so that no digit can be lost. */
export const tick: Argument<number> = { encode: String, lua: asItIs };

export const flag: Argument<boolean> = {
  encode: (value) => (value ? '1' : ''),
  lua: (text) => `${text} == '1'`,
};

export function oneOf<Word extends string>(..._words: readonly Word[]): Argument<Word> {
  return { encode: asItIs, lua: asItIs };
}

/** An argument that may be missing. It is nil in the script then, and so is an empty text. */
export function optional<T>(argument: Argument<T>): Argument<T | undefined> {
  return {
    encode: (value) => (value === undefined ? '' : argument.encode(value)),
    lua: (text) => `${text} ~= '' and ${argument.lua(text)} or nil`,
  };
}
