import { eventually } from './eventually.ts';

const failureOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error('it did not fail'),
    (error: Error) => error,
  );

describe('eventually', () => {
  it('asks again until the check no longer throws, and gives its value', async () => {
    let asked = 0;
    const value = await eventually(
      () => {
        asked += 1;
        if (asked < 3) throw new Error('not yet');
        return 'there';
      },
      { everyMs: 1 },
    );
    expect({ value, asked }).toEqual({ value: 'there', asked: 3 });
  });

  it('takes false for "not yet", and other empty values for an answer', async () => {
    let asked = 0;
    await eventually(() => ++asked > 1, { everyMs: 1 });
    expect(asked).toBe(2);
    expect(await eventually(() => 0)).toBe(0);
    expect(await eventually(() => undefined)).toBeUndefined();
  });

  it('fails at its deadline with the last failure as the cause', async () => {
    const last = new Error('still red');
    const failure = await failureOf(eventually(() => Promise.reject(last), { timeoutMs: 30, everyMs: 5 }));
    expect(failure.message).toBe('did not come true within 30 ms: still red');
    expect(failure.cause).toBe(last);
  });

  it('cuts off a check that never answers', async () => {
    const failure = await failureOf(eventually(() => new Promise(() => {}), { timeoutMs: 30 }));
    expect(failure.message).toContain('never came to an end');
  });
});
