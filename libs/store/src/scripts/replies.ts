import type { RedisReply } from '../redis.ts';

/** Readers of what scripts return: Redis gives text as Buffers and Lua's numbers as integers. */

export const textOf = (reply: RedisReply | undefined): string => String(reply ?? '');

export const integerOf = (reply: RedisReply | undefined): number => Number(String(reply ?? 0));

export const flagOf = (reply: RedisReply | undefined): boolean => reply === 1;

export const listOf = (reply: RedisReply | undefined): RedisReply[] => (Array.isArray(reply) ? reply : []);

/** Bytes of a list's entry. Throws if the script returned anything else there. */
export function bytesOf(reply: RedisReply | undefined): Buffer {
  if (!Buffer.isBuffer(reply)) throw new Error('a script returned no bytes where it should');
  return reply;
}

/** A text that is one of these words. */
export function wordOf<Word extends string>(..._words: readonly Word[]) {
  return (reply: RedisReply) => textOf(reply) as Word;
}

/** Outcomes with values, each with the readers of what follows its name. */
type Outcomes = Readonly<
  Record<string, Readonly<Record<string, (reply: RedisReply | undefined) => unknown>>>
>;

type OutcomeOf<Word extends string, T extends Outcomes> =
  | { outcome: Word }
  | { [Name in keyof T]: { outcome: Name } & { [F in keyof T[Name]]: ReturnType<T[Name][F]> } }[keyof T];

/** Reads one of the words, or a list of the name of another outcome and its values. */
export function outcomeOf<Word extends string, const T extends Outcomes>(_words: readonly Word[], more: T) {
  const fields = new Map(Object.entries(more).map(([name, readers]) => [name, Object.entries(readers)]));
  return (reply: RedisReply): OutcomeOf<Word, T> => {
    const values = Array.isArray(reply) ? reply : [reply];
    const outcome = textOf(values[0]);
    const read: Record<string, unknown> = { outcome };
    for (const [at, [field, reader]] of (fields.get(outcome) ?? []).entries())
      read[field] = reader(values[at + 1]);
    return read as OutcomeOf<Word, T>;
  };
}
