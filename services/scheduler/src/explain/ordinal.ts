const ENDINGS: Readonly<Record<string, string>> = { one: 'st', two: 'nd', few: 'rd', other: 'th' };
const RULES = new Intl.PluralRules('en', { type: 'ordinal' });

/** A place as people say it: `1st`, `2nd`, `11th`, `23rd`. */
export function ordinal(place: number): string {
  return `${place}${ENDINGS[RULES.select(place)]}`;
}
