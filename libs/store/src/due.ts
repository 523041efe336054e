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
  /** `drone/<drone>`: a drone is forgotten. */
  drone: 'drone/',
  /** `token/<token>/<backend>`: the row of a connection token is deleted. */
  token: 'token/',
} as const;

/** Reads an entry of `due`: its kind, and what follows it. Returns undefined for one of an unknown kind. */
export function parseDue(entry: string): { kind: keyof typeof DUE; id: string; of: string } | undefined {
  const [kind = '', id = '', of = ''] = entry.split('/');
  return Object.hasOwn(DUE, kind) ? { kind: kind as keyof typeof DUE, id, of } : undefined;
}
