/** One argument of a script: text in ARGV, then a local variable of the script. */
export interface Argument<T> {
  /** The Lua expression for the local variable, given the expression for the text. */
  lua(text: string): string;
  /** Only for the compiler: the type of its values. */
  readonly value?: T;
}

export type Arguments = Readonly<Record<string, Argument<unknown>>>;

/** The values that a caller gives for a script's arguments. */
export type ValuesOf<A extends Arguments> = {
  readonly [Name in keyof A]: A[Name] extends Argument<infer T> ? T : never;
};

/** A value as Redis takes it: a flag is 1 or empty, and a missing value is empty. */
export function encoded(value: unknown): string | Buffer {
  if (typeof value === 'boolean') return value ? '1' : '';
  return Buffer.isBuffer(value) ? value : String(value ?? '');
}

const asItIs = { lua: (text: string) => text };

export const text: Argument<string> = asItIs;

/** A serialized message. An empty buffer is the empty string. */
export const bytes: Argument<Buffer> = asItIs;

/** A whole number, with which the script calculates. */
export const integer: Argument<number> = { lua: (text) => `tonumber(${text})` };

/** A whole number that the script only stores and compares: it stays text, so that no digit can be lost. */
export const tick: Argument<number> = asItIs;

export const flag: Argument<boolean> = { lua: (text) => `${text} == '1'` };

export function oneOf<Word extends string>(..._words: readonly Word[]): Argument<Word> {
  return asItIs;
}

/** An argument that may be missing. It is nil in the script then, and so is an empty text. */
export function optional<T>({ lua }: Argument<T>): Argument<T | undefined> {
  return { lua: (text) => `${text} ~= '' and ${lua(text)} or nil` };
}
