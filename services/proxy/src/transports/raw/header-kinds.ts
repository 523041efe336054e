/**
 * What a header's name means to the fast path. Names are looked up as they were sent; a spelling that was
 * not met before is classified in lower case and remembered, so that common heads cost one look-up a line.
 */
export const PASS = 0;
/** Belongs to one hop, or is ours to set. */
export const DROP = 1;
/** What only a trusted address may say (of itself or, below, of its own client). */
export const ABOUT_CALLER = 2;
export const HOST = 3;
export const LENGTH = 4;
export const CODING = 5;
export const CONNECTION = 6;
export const UPGRADE = 7;
/** Has a meaning that the fast path does not have. */
export const STRANGE = 8;
export const FORWARDED_FOR = 9;
export const FORWARDED_PROTO = 10;
export const FORWARDED_HOST = 11;
export const FORWARDED = 12;
export const SET_COOKIE = 13;
export const DATE = 14;
export const KEEP_ALIVE = 15;
/** From here on: a header that may stand once; the rest of the number is its bit. */
export const ONCE = 16;

/** Readers differ in which of two they take. */
const SINGLE = [
  'age',
  'authorization',
  'content-type',
  'etag',
  'expires',
  'from',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'referer',
  'retry-after',
  'server',
  'user-agent',
  'sec-websocket-key',
  'sec-websocket-version',
];

const REQUEST = new Map<string, number>([
  ...SINGLE.map((name, bit) => [name, ONCE + bit] as const),
  ['host', HOST],
  ['content-length', LENGTH],
  ['transfer-encoding', CODING],
  ['connection', CONNECTION],
  ['upgrade', UPGRADE],
  ['keep-alive', DROP],
  ['x-forwarded-for', FORWARDED_FOR],
  ['x-forwarded-proto', FORWARDED_PROTO],
  ['x-forwarded-host', FORWARDED_HOST],
  ['forwarded', FORWARDED],
  ['expect', STRANGE],
  ['te', STRANGE],
  ['trailer', STRANGE],
  ['http2-settings', STRANGE],
  ['content_length', STRANGE],
  ['transfer_encoding', STRANGE],
]);

const RESPONSE = new Map<string, number>([
  ['content-length', LENGTH],
  ['transfer-encoding', CODING],
  ['connection', CONNECTION],
  ['upgrade', UPGRADE],
  ['set-cookie', SET_COOKIE],
  ['date', DATE],
  ['keep-alive', KEEP_ALIVE],
  ...['proxy-connection', 'proxy-authenticate', 'proxy-authorization'].map((name) => [name, DROP] as const),
  ...['te', 'trailer', 'http2-settings'].map((name) => [name, DROP] as const),
]);

const OURS = /^x[-_]spawner[-_]/;
const CALLER = /^(?:x[-_]forwarded[-_].*|x[-_]real[-_]ip)$/;

const MOST_SPELLINGS = 2_000;
const LONGEST_REMEMBERED = 64;

/** Of a request's header. */
export const requestKind = remembering((name) => {
  const known = REQUEST.get(name);
  if (known !== undefined) return known;
  if (OURS.test(name)) return DROP;
  if (CALLER.test(name)) return ABOUT_CALLER;
  return name.startsWith('proxy-') ? STRANGE : PASS;
});

/** Of an answer's header. */
export const responseKind = remembering((name) => RESPONSE.get(name) ?? PASS);

function remembering(classify: (lowerCase: string) => number): (name: string) => number {
  const spellings = new Map<string, number>();
  return (name) => {
    const known = spellings.get(name);
    if (known !== undefined) return known;
    const kind = classify(name.toLowerCase());
    if (spellings.size < MOST_SPELLINGS && name.length <= LONGEST_REMEMBERED)
      spellings.set(Buffer.from(name, 'latin1').toString('latin1'), kind);
    return kind;
  };
}
