/** The name of an enum's value, for programs. A newer peer may send one that is not known here. */
export function codeName(names: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(names).find(([, number]) => number === value)?.[0] ?? 'UNSPECIFIED';
}
