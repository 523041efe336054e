import { AppError } from '@spawner/domain';
import fc from 'fast-check';
import { parseJson } from './json-text.ts';

const refusal = (text: string): string => {
  try {
    parseJson(text);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return (error as AppError).message;
  }
  throw new Error(`was taken: ${text}`);
};
const placeIn = (text: string) => Number(/column (\d+)$/.exec(refusal(text))?.[1]);

describe('parseJson', () => {
  it('parses what is JSON', () => {
    fc.assert(fc.property(fc.json(), (text) => expect(parseJson(text)).toEqual(JSON.parse(text))));
  });
  it.each([
    ['{"a":}', 6],
    ['{"a":1,}', 8],
    ['[1,]', 4],
    ['[1 2]', 4],
    ['{a:1}', 2],
    ['{"a" 1}', 6],
    ['{"a":1]', 7],
    ['nul', 1],
    ['"open', 1],
    ['"\\x"', 1],
    ['01', 2],
    ['1 2', 3],
    ['[', 2],
    ['}', 1],
    ['{"a":1}}', 8],
    ["{'a':1}", 2],
  ])('tells where %j stops being JSON', (text, column) => {
    expect(refusal(text)).toBe(`the body is not JSON: stopped at line 1, column ${column}`);
  });
  it('counts lines', () => {
    expect(refusal('{\n  "a": 1,\n  b\n}')).toContain('line 3, column 3');
    expect(refusal(' \n ')).toContain('the body is empty');
  });
  it('finds the place of any single character that breaks it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), fc.nat(), (text, at) => {
        const index = at % (text.length + 1);
        const broken = `${text.slice(0, index)}\u0001${text.slice(index)}`;
        const place = placeIn(broken) - 1;
        expect(place).toBeLessThanOrEqual(index);
        expect(() => JSON.parse(broken)).toThrow();
      }),
    );
  });
  it('takes megabytes of what is not JSON in its stride', () => {
    expect(refusal(`"${'x'.repeat(1_000_000)}`)).toContain('column 1');
    expect(refusal('['.repeat(1_000_000))).toContain('column 1000001');
  });
});
