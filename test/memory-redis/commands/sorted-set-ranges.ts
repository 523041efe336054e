import { general } from '../c-format.ts';
import { ErrorReply, HarnessError } from '../errors.ts';
import { float, integer } from '../integers.ts';
import { type Reply, syntaxError } from '../reply.ts';
import type { Bound, Scored, SortedSet } from '../sorted-set.ts';
import { arg, type ServerState } from './command.ts';

/** What one of the ZRANGE commands is about; only ZRANGE itself is told by its options. */
interface Kind {
  by: 'rank' | 'score';
  reverse: boolean;
  mayChoose: boolean;
}

interface Range extends Kind {
  withScores: boolean;
  limit?: { offset: number; count: number };
}

/** `5`, `(5`, `-inf`, `+inf`. */
export function boundOf(text: string): Bound {
  const exclusive = text.startsWith('(');
  const value = float(exclusive ? text.slice(1) : text);
  if (value === undefined) throw new ErrorReply('ERR min or max is not a float');
  return { value, exclusive };
}

/** ZRANGE and its older sisters. */
export function rangeCommand(kind: Kind) {
  return ({ keys }: ServerState, args: string[]): Reply => {
    const range = rangeOf(kind, args.slice(3));
    // Reversed by score, the higher bound comes first.
    const [first, second] = [arg(args, 1), arg(args, 2)];
    const swapped = range.by === 'score' && range.reverse;
    const pick =
      range.by === 'rank'
        ? byRank(first, second, range)
        : byScore(swapped ? second : first, swapped ? first : second, range);
    const set = keys.sortedSet(arg(args, 0));
    if (!set) return [];
    const found = pick(set);
    if (!range.withScores) return found.map(({ member }) => member);
    return found.flatMap(({ member, score }) => [member, general(score, 17)]);
  };
}

function rangeOf(kind: Kind, rest: string[]): Range {
  const range: Range = { ...kind, withScores: false };
  for (let at = 0; at < rest.length; at++) {
    const option = arg(rest, at).toUpperCase();
    if (option === 'WITHSCORES') range.withScores = true;
    else if (option === 'REV' && kind.mayChoose) range.reverse = true;
    else if (option === 'BYSCORE' && kind.mayChoose) range.by = 'score';
    else if (option === 'BYLEX' && kind.mayChoose) throw new HarnessError('ZRANGE BYLEX is not kept here');
    else if (option === 'LIMIT' && rest.length > at + 2) {
      range.limit = { offset: integer(arg(rest, at + 1)), count: integer(arg(rest, at + 2)) };
      at += 2;
    } else throw syntaxError();
  }
  if (range.limit && range.by === 'rank')
    throw new ErrorReply(
      'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
    );
  return range;
}

function byRank(first: string, second: string, { reverse }: Range) {
  const [start, stop] = [integer(first), integer(second)];
  return (set: SortedSet): Scored[] => {
    const from = Math.max(0, start < 0 ? set.size + start : start);
    const to = Math.min(set.size, (stop < 0 ? set.size + stop : stop) + 1);
    if (from >= to) return [];
    return reverse ? set.slice(set.size - to, set.size - from).reverse() : set.slice(from, to);
  };
}

function byScore(low: string, high: string, { reverse, limit }: Range) {
  const bounds = [boundOf(low), boundOf(high)] as const;
  return (set: SortedSet): Scored[] => {
    const [from, to] = set.between(...bounds);
    const { offset, count } = limit ?? { offset: 0, count: -1 };
    if (offset < 0) return [];
    const most = count < 0 ? to - from : count;
    if (!reverse) return set.slice(Math.min(from + offset, to), Math.min(from + offset + most, to));
    const end = Math.max(to - offset, from);
    return set.slice(Math.max(end - most, from), end).reverse();
  };
}
