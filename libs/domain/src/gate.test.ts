import { Gate } from './gate.ts';

describe('a gate', () => {
  it('lets so many through at once, and the others in the order of their coming', async () => {
    const gate = new Gate(2);
    const begun: number[] = [];
    const leave = new Map<number, () => void>();
    const passes = [1, 2, 3, 4].map((who) =>
      gate.pass(() => {
        begun.push(who);
        return new Promise<number>((resolve) => leave.set(who, () => resolve(who)));
      }),
    );
    expect(begun).toEqual([1, 2]);
    leave.get(2)?.();
    await passes[1];
    expect(begun).toEqual([1, 2, 3]);
    for (const who of [1, 3]) leave.get(who)?.();
    await Promise.all([passes[0], passes[2]]);
    leave.get(4)?.();
    await expect(Promise.all(passes)).resolves.toEqual([1, 2, 3, 4]);
  });

  it('lets the next one through after a failure', async () => {
    const gate = new Gate(1);
    const failing = gate.pass(() => Promise.reject(new Error('no')));
    const next = gate.pass(async () => 'through');
    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('through');
  });
});
