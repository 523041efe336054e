import { ErrorReply, HarnessError } from '../errors.ts';
import { integer, natural } from '../integers.ts';
import { type Reply, syntaxError } from '../reply.ts';
import { compareIds, FIRST, idText, LAST, Stream, type StreamEntry, type StreamId } from '../stream.ts';
import { arg, commandsOf, type ServerState } from './command.ts';

const invalidId = () => new ErrorReply('ERR Invalid stream ID specified as stream command argument');

/** `<ms>-<seq>`, or `<ms>` alone where a sequence is given for it. */
function parseId(text: string, seq: number): StreamId {
  const [, ms, own] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (ms === undefined) throw invalidId();
  return { ms: integer(String(Number(ms))), seq: own === undefined ? seq : integer(String(Number(own))) };
}

function rangeEnd(text: string, seq: number): StreamId {
  if (text === '-') return FIRST;
  if (text === '+') return LAST;
  if (text.startsWith('(')) throw new HarnessError('exclusive ends of XRANGE are not kept here');
  return parseId(text, seq);
}

const shown = ({ id, fields }: StreamEntry): Reply => [idText(id), [...fields]];

/** What XADD is told of an id: all of it, its first half, or nothing. */
function parseNewId(text: string): { ms?: number; seq?: number } {
  if (text === '*') return {};
  const [, automatic] = /^(\d+)-\*$/.exec(text) ?? [];
  if (automatic) return { ms: integer(automatic) };
  const id = parseId(text, 0);
  if (compareIds(id, FIRST) === 0)
    throw new ErrorReply('ERR The ID specified in XADD must be greater than 0-0');
  return id;
}

/** The whole id, which has to be greater than the stream's last. */
function newId(server: ServerState, { last }: Stream, given: { ms?: number; seq?: number }): StreamId {
  const ms = given.ms ?? Math.max(Math.floor(server.nowMicros() / 1000), last.ms);
  const id = { ms, seq: given.seq ?? (ms === last.ms ? last.seq + 1 : 0) };
  if (compareIds(id, last) <= 0)
    throw new ErrorReply('ERR The ID specified in XADD is equal or smaller than the target stream top item');
  return id;
}

/** `MAXLEN [=|~] n` at a place of the arguments: the length, and where what follows begins. */
function maxLength(args: string[], at: number): { length: number; next: number } {
  const sign = args[at + 1] === '~' || args[at + 1] === '=' ? 1 : 0;
  const length = natural(args[at + 1 + sign] ?? '', 'ERR The MAXLEN argument must be >= 0.');
  return { length, next: at + 2 + sign };
}

/** With `~` Redis may keep more than it is asked to; this one never does, which is the harder case for readers. */
function append(server: ServerState, args: string[]): Reply {
  let at = 1;
  let length: number | undefined;
  let create = true;
  for (; at < args.length; ) {
    const option = arg(args, at).toUpperCase();
    if (option === 'MAXLEN') ({ length, next: at } = maxLength(args, at));
    else if (option === 'NOMKSTREAM') {
      create = false;
      at++;
    } else if (option === 'MINID' || option === 'LIMIT')
      throw new HarnessError(`XADD ${option} is not kept here`);
    else break;
  }
  const fields = args.slice(at + 1);
  if (fields.length === 0 || fields.length % 2 === 1)
    throw new ErrorReply("ERR wrong number of arguments for 'xadd' command");
  const given = parseNewId(arg(args, at));
  const key = arg(args, 0);
  const present = server.keys.stream(key);
  if (!present && !create) return null;
  const stream = present ?? new Stream();
  const id = newId(server, stream, given);
  stream.append({ id, fields });
  if (length !== undefined) stream.trim(length);
  server.keys.put(key, stream);
  return idText(id);
}

function range({ keys }: ServerState, args: string[], reverse: boolean): Reply {
  const [key = '', first = '', second = '', option, count] = args;
  const [low, high] = reverse ? [second, first] : [first, second];
  const [from, to] = [rangeEnd(low, 0), rangeEnd(high, LAST.seq)];
  if (args.length > 3 && !(args.length === 5 && option?.toUpperCase() === 'COUNT')) throw syntaxError();
  const most = count === undefined ? Number.POSITIVE_INFINITY : integer(count);
  const found = keys.stream(key)?.range(from, to) ?? [];
  return (reverse ? found.reverse() : found).slice(0, Math.max(0, most)).map(shown);
}

export interface StreamRead {
  /** How long to wait for news, in milliseconds, 0 for ever; undefined: not at all. */
  readonly blockMs: number | undefined;
  readonly count: number;
  readonly from: readonly { key: string; id: StreamId }[];
}

/** The arguments of XREAD; `$` stands for what a stream's last id is now. */
export function parseRead({ keys }: ServerState, args: readonly string[]): StreamRead {
  let blockMs: number | undefined;
  let count = Number.POSITIVE_INFINITY;
  let at = 0;
  for (; arg(args, at)?.toUpperCase() !== 'STREAMS'; at += 2) {
    const [option, value] = [args[at]?.toUpperCase(), args[at + 1]];
    if (value === undefined) throw syntaxError();
    if (option === 'BLOCK') blockMs = natural(value, 'ERR timeout is negative');
    else if (option === 'COUNT') count = integer(value) > 0 ? integer(value) : count;
    else throw syntaxError();
  }
  const names = args.slice(at + 1);
  const half = names.length / 2;
  if (half === 0 || !Number.isInteger(half))
    throw new ErrorReply(
      "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.",
    );
  const from = names.slice(0, half).map((key, index) => {
    const stream = keys.stream(key);
    const text = arg(names, half + index);
    return { key, id: text === '$' ? (stream?.last ?? FIRST) : parseId(text, 0) };
  });
  return { blockMs, count, from };
}

/** What there is to read at once; null for nothing. */
export function readNow({ keys }: ServerState, { from, count }: StreamRead): Reply {
  const news: Reply[] = [];
  for (const { key, id } of from) {
    const entries = keys.stream(key)?.after(id, count) ?? [];
    if (entries.length > 0) news.push([key, entries.map(shown)]);
  }
  return news.length === 0 ? null : news;
}

export const STREAM_COMMANDS = commandsOf({
  XADD: [-5, append],
  XLEN: [2, ({ keys }, args) => keys.stream(arg(args, 0))?.length ?? 0],
  XRANGE: [-4, (server, args) => range(server, args, false)],
  XREVRANGE: [-4, (server, args) => range(server, args, true)],
  XREAD: [-4, (server, args) => readNow(server, parseRead(server, args))],
  XTRIM: [
    -4,
    ({ keys }, args) => {
      if (arg(args, 1).toUpperCase() !== 'MAXLEN')
        throw new HarnessError('XTRIM other than by MAXLEN is not kept here');
      const { length, next } = maxLength(args, 1);
      if (next !== args.length) throw syntaxError();
      const stream = keys.stream(arg(args, 0));
      if (!stream) return 0;
      const gone = stream.trim(length);
      if (gone > 0) keys.put(arg(args, 0), stream);
      return gone;
    },
  ],
});
