import { ErrorReply, HarnessError } from '../errors.ts';
import { integer, natural } from '../integers.ts';
import { type Reply, syntaxError } from '../reply.ts';
import { compareIds, FIRST, idText, LAST, Stream, type StreamEntry, type StreamId } from '../stream.ts';
import { arg, commandsOf, type ServerState } from './command.ts';

/** `<ms>-<seq>`, in full. */
function parseId(text: string): StreamId {
  const [, ms, seq] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  if (ms === undefined || seq === undefined)
    throw new HarnessError(`the stream id ${text} is not implemented`);
  return { ms: integer(String(Number(ms))), seq: integer(String(Number(seq))) };
}

function rangeEnd(text: string): StreamId {
  if (text === '-') return FIRST;
  return text === '+' ? LAST : parseId(text);
}

const shown = ({ id, fields }: StreamEntry): Reply => [idText(id), [...fields]];

/**
 * `key MAXLEN ~ length id field value …`. With `~` Redis may keep more than it is asked to; this store never does, which is
 * the harder case for readers.
 */
function append({ keys }: ServerState, args: string[]): Reply {
  const [key = '', maxlen = '', about = '', most = '', id = '', ...fields] = args;
  if (maxlen.toUpperCase() !== 'MAXLEN' || about !== '~')
    throw new HarnessError('XADD other than with MAXLEN ~ is not implemented');
  const length = natural(most, 'ERR The MAXLEN argument must be >= 0.');
  if (fields.length === 0 || fields.length % 2 === 1)
    throw new ErrorReply("ERR wrong number of arguments for 'xadd' command");
  const next = parseId(id);
  if (compareIds(next, FIRST) === 0)
    throw new ErrorReply('ERR The ID specified in XADD must be greater than 0-0');
  const stream = keys.stream(key) ?? new Stream();
  if (compareIds(next, stream.last) <= 0)
    throw new ErrorReply('ERR The ID specified in XADD is equal or smaller than the target stream top item');
  stream.append({ id: next, fields });
  stream.trim(length);
  keys.put(key, stream);
  return idText(next);
}

function range({ keys }: ServerState, args: string[]): Reply {
  if (args.length > 3) throw new HarnessError('XRANGE COUNT is not implemented');
  const [key = '', low = '', high = ''] = args;
  const [from, to] = [rangeEnd(low), rangeEnd(high)];
  return (keys.stream(key)?.range(from, to) ?? []).map(shown);
}

export interface StreamRead {
  /** How long to wait for an entry, in milliseconds; undefined: not at all. */
  readonly blockMs: number | undefined;
  readonly count: number;
  readonly key: string;
  readonly id: StreamId;
}

/** The arguments of XREAD: COUNT, BLOCK, and one stream. */
export function parseRead(args: readonly string[]): StreamRead {
  let blockMs: number | undefined;
  let count = Number.POSITIVE_INFINITY;
  let at = 0;
  for (; args[at] !== undefined && arg(args, at).toUpperCase() !== 'STREAMS'; at += 2) {
    const [option, value] = [arg(args, at).toUpperCase(), args[at + 1]];
    if (value === undefined) throw syntaxError();
    if (option === 'BLOCK') blockMs = natural(value, 'ERR timeout is negative');
    else if (option === 'COUNT') count = integer(value) > 0 ? integer(value) : count;
    else throw new HarnessError(`XREAD ${option} is not implemented`);
  }
  const [key, id, ...more] = args.slice(at + 1);
  if (key === undefined || id === undefined || more.length > 0)
    throw new HarnessError('XREAD of anything but one stream is not implemented');
  return { blockMs, count, key, id: parseId(id) };
}

/** The entries that can be read at once; null if there are none. */
export function readNow({ keys }: ServerState, { key, id, count }: StreamRead): Reply {
  const entries = keys.stream(key)?.after(id, count) ?? [];
  return entries.length === 0 ? null : [[key, entries.map(shown)]];
}

export const STREAM_COMMANDS = commandsOf({
  XADD: [-5, append],
  XRANGE: [-4, range],
  XREAD: [-4, (server, args) => readNow(server, parseRead(args))],
});
