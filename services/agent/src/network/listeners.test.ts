import { once } from 'node:events';
import { createServer } from 'node:net';
import { listenersIn, listenersOf } from './listeners.ts';

const line = (local: string, state: string) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1`;

describe('the addresses at which programs listen', () => {
  it.each([
    ['0100007F:0BB8', ['127.0.0.1:3000']],
    ['00000000:1F90', ['0.0.0.0:8080']],
    ['00000000000000000000000000000000:1F90', ['[::]:8080']],
    ['00000000000000000000000001000000:0050', ['[::1]:80']],
    ['0B00007F:9C40', []],
  ])('are read from %s', (local, expected) => {
    expect(listenersIn([`  sl  local_address\n${line(local, '0A')}\n`])).toEqual(expected);
    expect(listenersIn([`  sl  local_address\n${line(local, '01')}\n`])).toEqual([]);
  });

  it('are in the order of their ports, each once', () => {
    const table = [line('00000000:1F90', '0A'), line('0100007F:0BB8', '0A'), line('00000000:1F90', '0A')];
    expect(listenersIn([table.join('\n')])).toEqual(['127.0.0.1:3000', '0.0.0.0:8080']);
  });

  it('are those of this machine, as the kernel tells them', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    expect(listenersOf(process.pid)).toContain(`127.0.0.1:${port}`);
    server.close();
  });

  it('are unknown of a process that does not exist', () => {
    expect(listenersOf(2 ** 30)).toBeUndefined();
  });
});
