import { AppError } from '@spawner/domain';
import fc from 'fast-check';
import { parseJson } from './body.ts';

const refusal = (text: string): string => {
  try {
    parseJson(text);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return (error as AppError).message;
  }
  throw new Error(`was accepted: ${text}`);
};

describe('parseJson', () => {
  it('parses JSON', () => {
    fc.assert(fc.property(fc.json(), (text) => expect(parseJson(text)).toEqual(JSON.parse(text))));
  });

  it.each([
    ['{"a":}', "token '}'"],
    ['[1,]', "token ']'"],
    ['{"a":1', 'position 6'],
    ['{\n  "a": 1,\n  b\n}', 'line 3 column 3'],
    ['[', 'end of JSON input'],
  ])('names where %j stops being JSON', (text, place) => {
    expect(refusal(text)).toMatch(/^the body is not JSON: /);
    expect(refusal(text)).toContain(place);
  });

  it.each(['', ' \n '])('calls %j empty', (text) => expect(refusal(text)).toBe('the body is empty'));
});
