import { FreePorts } from './free-ports.ts';

const picking = (...ports: number[]) => new FreePorts(async () => ports.shift() ?? 9_999);

describe('ports for programs', () => {
  it('are never given to two, however often the kernel calls one free, also where both ask at once', async () => {
    const ports = picking(5_000, 5_000, 5_001, 5_000, 5_001, 5_002);
    expect(await Promise.all(['a', 'b', 'c'].map((id) => ports.give(id)))).toEqual([5_000, 5_002, 5_001]);
  });

  it('are given again once released, and not while a program of an earlier life has them', async () => {
    const ports = picking(5_000, 5_001, 5_000);
    ports.hold('old', 5_000);
    expect(await ports.give('a')).toBe(5_001);
    ports.release('old');
    expect(await ports.give('b')).toBe(5_000);
  });

  it('end in an error where there is no other', async () => {
    const ports = new FreePorts(async () => 5_000);
    await ports.give('a');
    await expect(ports.give('b')).rejects.toThrow('promised to another program');
  });
});
