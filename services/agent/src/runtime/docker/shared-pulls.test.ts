import { SharedPulls } from './shared-pulls.ts';

function scene() {
  const pulls = new SharedPulls();
  const begun: { signal: AbortSignal; end: (error?: Error) => void }[] = [];
  const join = (name: string) => {
    const leaving = new AbortController();
    const work = (signal: AbortSignal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      begun.push({ signal, end: (error) => (error ? reject(error) : resolve()) });
      return promise;
    };
    const outcome = pulls.join(name, work, leaving.signal).then(
      () => 'present',
      (error: Error) => error.message,
    );
    return { outcome, leave: () => leaving.abort(new Error('left')) };
  };
  return { begun, join };
}

describe('SharedPulls', () => {
  it('pulls once for callers that want the same, and begins again afterwards', async () => {
    const { begun, join } = scene();
    const callers = ['a', 'a', 'b'].map((name) => join(name).outcome);
    expect(begun).toHaveLength(2);
    begun[0]?.end();
    begun[1]?.end(new Error('no such image'));
    expect(await Promise.all(callers)).toEqual(['present', 'present', 'no such image']);
    const later = [join('a'), join('b')];
    expect(begun).toHaveLength(4);
    for (const { end } of begun.slice(2)) end();
    expect(await Promise.all(later.map(({ outcome }) => outcome))).toEqual(['present', 'present']);
  });

  it('tells the failure to every caller', async () => {
    const { begun, join } = scene();
    const callers = [join('a'), join('a')];
    begun[0]?.end(new Error('denied'));
    expect(await Promise.all(callers.map(({ outcome }) => outcome))).toEqual(['denied', 'denied']);
  });

  it('continues while one caller waits, and is abandoned with the last', async () => {
    const { begun, join } = scene();
    const [one, two] = [join('a'), join('a')];
    one.leave();
    expect(await one.outcome).toBe('left');
    expect(begun[0]?.signal.aborted).toBe(false);
    two.leave();
    expect(await two.outcome).toBe('left');
    expect(begun[0]?.signal.aborted).toBe(true);
    const next = join('a');
    expect(begun).toHaveLength(2);
    begun[0]?.end(new Error('abandoned'));
    begun[1]?.end();
    expect(await next.outcome).toBe('present');
  });
});
