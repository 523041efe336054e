import { general } from '../c-format.ts';
import { ErrorReply, HarnessError } from '../errors.ts';
import { float, integer } from '../integers.ts';
import { type Reply, syntaxError } from '../reply.ts';
import { type Bound, type Scored, SortedSet } from '../sorted-set.ts';
import { arg, commandsOf, type ServerState } from './command.ts';

const scoreText = (score: number) => general(score, 17);
const OPTIONS_OF_ZADD = ['NX', 'XX', 'GT', 'LT', 'CH', 'INCR'];

function add({ keys }: ServerState, args: string[]): Reply {
  const [key = '', first = ''] = args;
  if (OPTIONS_OF_ZADD.includes(first.toUpperCase()))
    throw new HarnessError(`ZADD ${first} is not implemented`);
  if (args.length % 2 === 0) throw syntaxError();
  const entries: [member: string, score: number][] = [];
  for (let at = 1; at < args.length; at += 2) {
    const score = float(arg(args, at));
    if (score === undefined) throw new ErrorReply('ERR value is not a valid float');
    entries.push([arg(args, at + 1), score]);
  }
  const set = keys.sortedSet(key) ?? new SortedSet();
  const before = set.size;
  let changed = false;
  for (const [member, score] of entries) changed = set.put(member, score) || changed;
  if (changed) keys.put(key, set);
  return set.size - before;
}

function remove({ keys }: ServerState, [key = '', ...members]: string[]): number {
  const set = keys.sortedSet(key);
  if (!set) return 0;
  const gone = members.filter((member) => set.remove(member)).length;
  if (gone > 0) keys.put(key, set);
  return gone;
}

/** `5`, `(5`, `-inf`, `+inf`. */
function boundOf(text: string): Bound {
  const exclusive = text.startsWith('(');
  const value = float(exclusive ? text.slice(1) : text);
  if (value === undefined) throw new ErrorReply('ERR min or max is not a float');
  return { value, exclusive };
}

interface RangeOptions {
  withScores: boolean;
  offset: number;
  count: number;
}

/** WITHSCORES and, if `mayLimit`, LIMIT. */
function rangeOptions(name: string, rest: string[], mayLimit: boolean): RangeOptions {
  const options: RangeOptions = { withScores: false, offset: 0, count: Number.POSITIVE_INFINITY };
  for (let at = 0; at < rest.length; at++) {
    const option = arg(rest, at).toUpperCase();
    if (option === 'WITHSCORES') options.withScores = true;
    else if (option === 'LIMIT' && mayLimit && rest.length > at + 2) {
      options.offset = integer(arg(rest, at + 1));
      options.count = integer(arg(rest, at + 2));
      if (options.offset < 0 || options.count < 0)
        throw new HarnessError(`${name} with a negative LIMIT is not implemented`);
      at += 2;
    } else throw new HarnessError(`${name} ${option} is not implemented`);
  }
  return options;
}

function shown(entries: readonly Scored[], { withScores }: RangeOptions): Reply {
  if (!withScores) return entries.map(({ member }) => member);
  return entries.flatMap(({ member, score }) => [member, scoreText(score)]);
}

function byRank({ keys }: ServerState, [key = '', first = '', last = '', ...rest]: string[]): Reply {
  const options = rangeOptions('ZRANGE', rest, false);
  const [from, to] = [integer(first), integer(last)];
  const set = keys.sortedSet(key);
  if (!set) return [];
  const rank = (at: number) => (at < 0 ? Math.max(0, set.size + at) : at);
  // A last rank before the first member leaves nothing, as Redis counts it.
  return shown(to < -set.size ? [] : set.slice(rank(from), rank(to) + 1), options);
}

function byScore(name: string, reverse: boolean) {
  return ({ keys }: ServerState, [key = '', first = '', last = '', ...rest]: string[]): Reply => {
    const options = rangeOptions(name, rest, true);
    const [low, high] = reverse ? [last, first] : [first, last];
    const bounds = [boundOf(low), boundOf(high)] as const;
    const set = keys.sortedSet(key);
    if (!set) return [];
    const found = set.slice(...set.between(...bounds));
    if (reverse) found.reverse();
    return shown(found.slice(options.offset, options.offset + options.count), options);
  };
}

export const SORTED_SET_COMMANDS = commandsOf({
  ZADD: [-4, add],
  ZREM: [-3, remove],
  ZSCORE: [
    3,
    ({ keys }, args) => {
      const score = keys.sortedSet(arg(args, 0))?.score(arg(args, 1));
      return score === undefined ? null : scoreText(score);
    },
  ],
  ZMSCORE: [
    -3,
    ({ keys }, [key = '', ...members]) => {
      const set = keys.sortedSet(key);
      return members.map((member) => {
        const score = set?.score(member);
        return score === undefined ? null : scoreText(score);
      });
    },
  ],
  ZCARD: [2, ({ keys }, args) => keys.sortedSet(arg(args, 0))?.size ?? 0],
  ZRANGE: [-4, byRank],
  ZRANGEBYSCORE: [-4, byScore('ZRANGEBYSCORE', false)],
  ZREVRANGEBYSCORE: [-4, byScore('ZREVRANGEBYSCORE', true)],
});
