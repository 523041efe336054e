import { createServer } from 'node:net';
import { anyPort, portIsFree } from './ports.ts';

describe('free ports', () => {
  it('throws if no port is free', async () => {
    await expect(anyPort(async () => false)).rejects.toThrow('no free port');
  });

  it('sees that a port is in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(await portIsFree(port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await portIsFree(port)).toBe(true);
  });
});
