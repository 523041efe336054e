import { lastLines } from './last-lines.ts';

const bytes = (lines: readonly string[]) => Buffer.byteLength(lines.join(''));

describe('the last lines in a record', () => {
  it('are the last twenty, unchanged if they are short', () => {
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
    expect(lastLines(lines)).toEqual(lines.slice(10));
  });

  it.each(['x', 'ü', '語'])('are bounded for long lines of %s, and end with the last', (letter) => {
    const kept = lastLines([...Array.from({ length: 20 }, () => letter.repeat(65_536)), 'the end']);
    expect(bytes(kept)).toBeLessThanOrEqual(8 * 1024);
    expect(kept.at(-1)).toBe('the end');
    expect(kept.at(-2)).toBe(`${letter.repeat(1_000)}…`);
  });
});
