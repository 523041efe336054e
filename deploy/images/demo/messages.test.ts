import { parseMessage } from './messages.ts';

const parse = (value: unknown) => parseMessage(JSON.stringify(value));
const begin = { type: 'begin', stroke: 0, colour: 'teal', width: 7, point: [1, 2] };

describe('a message from a browser', () => {
  it('is taken when every field is right', () => {
    const messages = [
      begin,
      { type: 'extend', stroke: 3, points: [1, 2, 3, 4] },
      { type: 'end', stroke: 3 },
      { type: 'cursor', point: [-1.5, 0] },
      { type: 'cursor', point: null },
      { type: 'undo' },
      { type: 'clear' },
    ];
    for (const message of messages) expect(parse(message)).toEqual(message);
  });

  it('loses what it has too much', () => {
    expect(parse({ type: 'undo', author: 'g7' })).toEqual({ type: 'undo' });
    expect(parse({ type: 'cursor', point: [1e9, -0.123] })).toEqual({ type: 'cursor', point: [4000, -0.1] });
  });

  it('is refused when it is no object of a known type', () => {
    for (const text of ['', '{', 'null', '7', '[]', '"undo"', '{"type":"welcome"}', '{"type":["undo"]}']) {
      expect(parseMessage(text)).toBeNull();
    }
  });

  it.each([
    { ...begin, stroke: -1 },
    { ...begin, stroke: 1.5 },
    { ...begin, stroke: '1' },
    { ...begin, colour: 'url(x)' },
    { ...begin, width: 4000 },
    { ...begin, point: [1] },
    { ...begin, point: [1, null] },
    { ...begin, point: undefined },
    { type: 'extend', stroke: 1, points: [] },
    { type: 'extend', stroke: 1, points: [1, 2, 3] },
    { type: 'extend', stroke: 1, points: new Array(1002).fill(0) },
    { type: 'extend', points: [1, 2] },
    { type: 'end' },
    { type: 'cursor', point: 'here' },
  ])('is refused when a field is wrong: %j', (message) => {
    expect(parse(message)).toBeNull();
  });
});
