/** The kinds of deadline, each with what begins its entries in the sorted set `due`. */
export const DUE = {
  /** `reserve/<backend>`: a placement that its drone has not reported on is abandoned. */
  reserve: 'reserve/',
  /** `suspend/<backend>/<epoch>`: a suspension that was not settled is resumed. */
  suspend: 'suspend/',
  /** `forget/<backend>`: an ended record is deleted. */
  forget: 'forget/',
  /** `silent/<drone>`: a drone has missed its renewals. */
  silent: 'silent/',
  /** `lease/<drone>`: a drone has lost its lease. */
  lease: 'lease/',
  /** `drone/<drone>`: a drone is given up. */
  drone: 'drone/',
  /** `token/<token>/<backend>`: the row of a connection token is deleted. */
  token: 'token/',
} as const;

export type DueEntry =
  | { kind: 'reserve' | 'forget'; backend: string }
  | { kind: 'silent' | 'lease' | 'drone'; drone: string }
  | { kind: 'suspend'; backend: string; epoch: number }
  | { kind: 'token'; token: string; backend: string };

/** Reads an entry of `due`. Returns undefined for one of an unknown kind. */
export function parseDue(entry: string): DueEntry | undefined {
  const [word = '', id = '', of = ''] = entry.split('/');
  const kind = (Object.keys(DUE) as (keyof typeof DUE)[]).find((each) => DUE[each] === `${word}/`);
  switch (kind) {
    case 'reserve':
    case 'forget':
      return { kind, backend: id };
    case 'silent':
    case 'lease':
    case 'drone':
      return { kind, drone: id };
    case 'suspend':
      return { kind, backend: id, epoch: Number(of) };
    case 'token':
      return { kind, token: id, backend: of };
    case undefined:
      return undefined;
  }
}
