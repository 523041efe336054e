import { general } from '../c-format.ts';
import { ErrorReply } from '../errors.ts';
import { float } from '../integers.ts';
import { type Reply, syntaxError } from '../reply.ts';
import { SortedSet } from '../sorted-set.ts';
import { arg, commandsOf, type ServerState } from './command.ts';
import { boundOf, rangeCommand } from './sorted-set-ranges.ts';

const scoreText = (score: number) => general(score, 17);
const notAFloat = () => new ErrorReply('ERR value is not a valid float');

interface AddOptions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
  ch: boolean;
  incr: boolean;
}

const PLAIN: AddOptions = { nx: false, xx: false, gt: false, lt: false, ch: false, incr: false };

function addOptions(args: string[]): { options: AddOptions; pairs: string[] } {
  // One score and its member, as nearly always.
  if (args.length === 3) return { options: PLAIN, pairs: args.slice(1) };
  const options: AddOptions = { ...PLAIN };
  let at = 1;
  for (; at < args.length; at++) {
    const name = arg(args, at).toLowerCase();
    if (!(name in options)) break;
    options[name as keyof AddOptions] = true;
  }
  const pairs = args.slice(at);
  const { nx, xx, gt, lt, incr } = options;
  if (pairs.length === 0 || pairs.length % 2 === 1) throw syntaxError();
  if (nx && xx) throw new ErrorReply('ERR XX and NX options at the same time are not compatible');
  if ((gt && nx) || (lt && nx) || (gt && lt))
    throw new ErrorReply('ERR GT, LT, and/or NX options at the same time are not compatible');
  if (incr && pairs.length > 2)
    throw new ErrorReply('ERR INCR option supports a single increment-element pair');
  return { options, pairs };
}

function add({ keys }: ServerState, args: string[]): Reply {
  const { options, pairs } = addOptions(args);
  const scores: number[] = [];
  for (let at = 0; at < pairs.length; at += 2) {
    const score = float(arg(pairs, at));
    if (score === undefined) throw notAFloat();
    scores.push(score);
  }
  const key = arg(args, 0);
  const set = keys.sortedSet(key) ?? new SortedSet();
  let added = 0;
  let changed = 0;
  let last: number | undefined;
  for (const [index, given] of scores.entries()) {
    const member = arg(pairs, 2 * index + 1);
    const before = set.score(member);
    const score = options.incr ? (before ?? 0) + given : given;
    if (Number.isNaN(score)) throw new ErrorReply('ERR resulting score is not a number (NaN)');
    if (before === undefined ? options.xx : options.nx) continue;
    if (before !== undefined && ((options.gt && score <= before) || (options.lt && score >= before)))
      continue;
    if (before === undefined) added++;
    else if (before !== score) changed++;
    set.put(member, score);
    last = score;
  }
  if (added + changed > 0) keys.put(key, set);
  if (options.incr) return last === undefined ? null : scoreText(last);
  return options.ch ? added + changed : added;
}

/** Takes members away; how many there were. */
function remove({ keys }: ServerState, key: string, pick: (set: SortedSet) => string[]): number {
  const set = keys.sortedSet(key);
  if (!set) return 0;
  const gone = pick(set).filter((member) => set.remove(member)).length;
  if (gone > 0) keys.put(key, set);
  return gone;
}

function pop({ keys }: ServerState, args: string[], highest: boolean): Reply {
  const key = arg(args, 0);
  const set = keys.sortedSet(key);
  const count = args[1] === undefined ? 1 : Number(args[1]);
  if (!(Number.isSafeInteger(count) && count >= 0))
    throw new ErrorReply('ERR value is out of range, must be positive');
  if (!set) return [];
  const taken = highest ? set.slice(Math.max(0, set.size - count), set.size).reverse() : set.slice(0, count);
  for (const { member } of taken) set.remove(member);
  if (taken.length > 0) keys.put(key, set);
  return taken.flatMap(({ member, score }) => [member, scoreText(score)]);
}

export const SORTED_SET_COMMANDS = commandsOf({
  ZADD: [-4, add],
  ZINCRBY: [4, (server, [key = '', by = '', member = '']) => add(server, [key, 'INCR', by, member])],
  ZREM: [-3, (server, [key = '', ...members]) => remove(server, key, () => members)],
  ZREMRANGEBYSCORE: [
    4,
    (server, [key = '', low = '', high = '']) => {
      const bounds = [boundOf(low), boundOf(high)] as const;
      return remove(server, key, (set) => set.slice(...set.between(...bounds)).map(({ member }) => member));
    },
  ],
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
  ZCOUNT: [
    4,
    ({ keys }, [key = '', low = '', high = '']) => {
      const bounds = [boundOf(low), boundOf(high)] as const;
      const [from, to] = keys.sortedSet(key)?.between(...bounds) ?? [0, 0];
      return to - from;
    },
  ],
  ZRANK: [3, ({ keys }, args) => keys.sortedSet(arg(args, 0))?.rank(arg(args, 1)) ?? null],
  ZREVRANK: [
    3,
    ({ keys }, args) => {
      const set = keys.sortedSet(arg(args, 0));
      const rank = set?.rank(arg(args, 1));
      return set === undefined || rank === undefined ? null : set.size - 1 - rank;
    },
  ],
  ZPOPMIN: [-2, (server, args) => pop(server, args, false)],
  ZPOPMAX: [-2, (server, args) => pop(server, args, true)],
  ZRANGE: [-4, rangeCommand({ by: 'rank', reverse: false, mayChoose: true })],
  ZREVRANGE: [-4, rangeCommand({ by: 'rank', reverse: true, mayChoose: false })],
  ZRANGEBYSCORE: [-4, rangeCommand({ by: 'score', reverse: false, mayChoose: false })],
  ZREVRANGEBYSCORE: [-4, rangeCommand({ by: 'score', reverse: true, mayChoose: false })],
});
