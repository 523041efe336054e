import { markedPath, markOf, presentMark } from './test-run.ts';

describe('the mark of a test run', () => {
  it('is an entry of PATH that names the run and the file', () => {
    const of = (run: string, file?: string) => markOf(markedPath('/usr/bin:/bin', { run, file }));
    expect(of('a1')).toEqual({ run: 'a1', file: undefined });
    expect(of('a1', 'test/e2e/x.test.ts')).toEqual({ run: 'a1', file: 'test/e2e/x.test.ts' });
  });

  it('is the last one if there are several, and undefined without one', () => {
    const twice = markedPath(markedPath('/bin', { run: 'a1', file: undefined }), { run: 'a1', file: 'b.ts' });
    expect(markOf(`${twice}:/usr/sbin:/sbin`)).toEqual({ run: 'a1', file: 'b.ts' });
    expect(markOf('/usr/bin:/bin')).toBeUndefined();
  });

  it('can be written on something without an environment', () => {
    const before = process.env.PATH;
    try {
      process.env.PATH = markedPath('/bin', { run: 'a1', file: 'b.ts' });
      expect(markOf(presentMark())).toEqual({ run: 'a1', file: 'b.ts' });
      process.env.PATH = '/bin';
      expect(presentMark()).toBe('');
    } finally {
      process.env.PATH = before;
    }
  });
});
