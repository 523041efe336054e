import { marksIn } from './marks.ts';
import { sources } from './sources.ts';

describe('the code', () => {
  it('holds no mark of unfinished work, no way round the types, and no test that does not run', () => {
    const others = sources().filter(({ path }) => !path.startsWith('test/rules/'));
    expect(others.flatMap(marksIn)).toEqual([]);
  });
});

describe('the rule about marks', () => {
  const marks = (path: string, text: string) => marksIn({ path, text });

  it.each(['// TODO: later', 'const a = b as any;', '// @ts-ignore'])('finds %s', (line) => {
    expect(marks('libs/domain/src/a.ts', `fine\n${line}`)).toEqual([expect.stringContaining('a.ts:2: ')]);
  });

  it.each(["it.only('a', f)", "describe.skip('a', f)", "it.todo('a')", "xit('a', f)", "jest.mock('./a.ts')"])(
    'finds %s in a test, where it matters',
    (line) => {
      expect(marks('libs/domain/src/a.test.ts', line)).toHaveLength(1);
      expect(marks('libs/domain/src/a.ts', line)).toEqual([]);
    },
  );

  it('leaves words alone that only look alike', () => {
    expect(
      marks('libs/domain/src/a.test.ts', 'exit(1); await audit(it); const anyone = list as AnyOne;'),
    ).toEqual([]);
  });
});
