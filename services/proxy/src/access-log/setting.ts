/** Which exchanges leave a line: none, those that went wrong, or one of so many besides. */
export type AccessSetting = { kind: 'off' } | { kind: 'errors' } | { kind: 'sampled'; oneOf: number };

export const ACCESS_SETTINGS = 'off, errors, all, or 1/N with N a whole number from 1 to 1000000';

/** Takes `off`, `errors`, `all` and `1/N`; nothing for any other text. */
export function accessSetting(text: string): AccessSetting | undefined {
  if (text === 'off' || text === 'errors') return { kind: text };
  if (text === 'all') return { kind: 'sampled', oneOf: 1 };
  const oneOf = Number(/^1\/([1-9]\d{0,6})$/.exec(text)?.[1]);
  return oneOf <= 1_000_000 ? { kind: 'sampled', oneOf } : undefined;
}
