import { FreePorts } from './free-ports.ts';

const picking = (...ports: number[]) => new FreePorts(async () => ports.shift() ?? 9_999);

describe('free ports', () => {
  it('are never allocated twice, even if the kernel offers one again', async () => {
    const ports = picking(5_000, 5_000, 5_001, 5_000, 5_001, 5_002);
    expect(await Promise.all(['a', 'b', 'c'].map((id) => ports.allocate(id)))).toEqual([5_000, 5_002, 5_001]);
  });

  it('are allocated again once released, and not while an adopted program has them', async () => {
    const ports = picking(5_000, 5_001, 5_000);
    ports.reserve('old', 5_000);
    expect(await ports.allocate('a')).toBe(5_001);
    ports.release('old');
    expect(await ports.allocate('b')).toBe(5_000);
  });

  it('are an error if every offered port is taken', async () => {
    const ports = new FreePorts(async () => 5_000);
    await ports.allocate('a');
    await expect(ports.allocate('b')).rejects.toThrow('allocated to another program');
  });
});
