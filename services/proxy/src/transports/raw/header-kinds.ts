import { HEADER_RULES, type HeaderRule, type HeaderRules, headerRule } from '../../edge/headers.ts';

/**
 * The header rules of edge/headers.ts as numbers for the raw parsers, with the headers that these parsers read themselves. A
 * name is looked up as it was sent; a new spelling is classified once and remembered, so that a common head costs one look-up
 * a line.
 */
export const KIND = {
  PASS: 0,
  DROP: 1,
  /** Left to Node's parser. */
  LEAVE: 2,
  /** Crosses only from trusted addresses. */
  CALLER: 3,
  HOST: 4,
  LENGTH: 5,
  CODING: 6,
  CONNECTION: 7,
  UPGRADE: 8,
  SET_COOKIE: 9,
  DATE: 10,
  KEEP_ALIVE: 11,
  LOCATION: 12,
  CONTENT_TYPE: 13,
  REFERRER_POLICY: 14,
  CLEAR_SITE_DATA: 15,
  /** From here on: the proxy replaces it. A trusted address may send it once; the rest of the number is its bit. */
  FORWARDED: 16,
  /** From here on: crosses, and may occur once; the rest of the number is its bit. */
  ONCE: 32,
} as const;

/** The headers that the parsers read themselves, by direction, whatever the table says. */
const READ = {
  request: new Map([
    ['host', KIND.HOST],
    ['content-length', KIND.LENGTH],
    ['transfer-encoding', KIND.LEAVE],
    ['connection', KIND.CONNECTION],
    ['upgrade', KIND.UPGRADE],
    ['keep-alive', KIND.DROP],
  ]),
  response: new Map([
    ['content-length', KIND.LENGTH],
    ['transfer-encoding', KIND.CODING],
    ['connection', KIND.CONNECTION],
    ['upgrade', KIND.UPGRADE],
    ['set-cookie', KIND.SET_COOKIE],
    ['date', KIND.DATE],
    ['keep-alive', KIND.KEEP_ALIVE],
    ['location', KIND.LOCATION],
    ['content-type', KIND.CONTENT_TYPE],
    ['referrer-policy', KIND.REFERRER_POLICY],
    ['clear-site-data', KIND.CLEAR_SITE_DATA],
  ]),
};
/** Those of them that cross afterwards, unless the table removes them. */
const CROSSING: ReadonlySet<number> = new Set([
  KIND.SET_COOKIE,
  KIND.DATE,
  KIND.LOCATION,
  KIND.CONTENT_TYPE,
  KIND.REFERRER_POLICY,
  KIND.CLEAR_SITE_DATA,
]);

/** The kind of a request's header, by its name as it was sent. */
export const requestKind = kinds(HEADER_RULES.request, READ.request, KIND.LEAVE);

/** The kind of a response's header, by its name as it was sent. */
export const responseKind = kinds(HEADER_RULES.response, READ.response, KIND.DROP);

const MOST_SPELLINGS = 2_000;
const LONGEST_REMEMBERED = 64;

/** `hop` is the kind of hop-by-hop headers that the parser does not read. Exported for tests of other tables. */
export function kinds(rules: HeaderRules, read: ReadonlyMap<string, number>, hop: number) {
  const withRule = (rule: HeaderRule) =>
    Object.keys(rules.names).filter((name) => rules.names[name] === rule);
  const bits = (first: number, names: string[]) => names.map((name, bit) => [name, first + bit] as const);
  const numbered = new Map([
    ...bits(KIND.ONCE, withRule('once')),
    ...bits(KIND.FORWARDED, withRule('forwarded')),
  ]);
  const others: Readonly<Record<string, number>> = {
    drop: KIND.DROP,
    hop,
    refuse: KIND.LEAVE,
    caller: KIND.CALLER,
  };
  const kindOf = (name: string): number => {
    const rule = headerRule(rules, name);
    const own = read.get(name);
    const isRemoved = rule === 'drop' || rule === 'hop';
    if (own !== undefined && !(isRemoved && CROSSING.has(own))) return own;
    return numbered.get(name) ?? others[rule] ?? KIND.PASS;
  };
  const spellings = new Map<string, number>();
  return (name: string): number => {
    const known = spellings.get(name);
    if (known !== undefined) return known;
    const kind = kindOf(name.toLowerCase());
    if (spellings.size < MOST_SPELLINGS && name.length <= LONGEST_REMEMBERED)
      // A copy: a slice would keep the whole head alive.
      spellings.set(Buffer.from(name, 'latin1').toString('latin1'), kind);
    return kind;
  };
}
