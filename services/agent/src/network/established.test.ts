import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { eventually } from '@spawner/testkit';
import { establishedByPort, establishedTo, hasAddress, ownAddresses } from './established.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid';
const line = (local: string, remote: string, state: string) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1`;
const table = (...lines: string[]) => `${[HEAD, ...lines].join('\n')}\n`;

describe('established connections in the kernel’s tables', () => {
  it.each<[string, string[], number]>([
    ['include one to the port', ['0100007F:1F90 0100007F:A000 01'], 1],
    ['include one of each address family', ['0000000000000000FFFF00000100007F:1F90 0:A000 01'], 1],
    ['exclude one that comes from the same port number', ['0100007F:A000 0100007F:1F90 01'], 0],
    ['exclude a listener', ['00000000:1F90 00000000:0000 0A'], 0],
    ['exclude closing ones', ['0:1F90 0:A000 06', '0:1F90 0:A001 08', '0:1F90 0:A002 04'], 0],
    ['exclude a port whose number ends alike', ['0:11F90 0:A000 01', '0:0F90 0:A000 01'], 0],
    ['are none in an empty table', [], 0],
    [
      'include accepted ones, and exclude an outgoing one from the same port on another address',
      [
        '0100007F:1F90 0:0 0A',
        '0100007F:1F90 0100007F:A000 01',
        '0300007F:1F90 0100007F:A001 01',
        '0100007F:1F90 0100007F:A002 01',
      ],
      2,
    ],
    [
      'include every address of a listener on all addresses',
      ['00000000:1F90 0:0 0A', '0300007F:1F90 0:A001 01'],
      1,
    ],
    ['include those whose listener is gone', ['0100007F:1F91 0:0 0A', '0300007F:1F90 0:A001 01'], 1],
  ])('%s', (_, lines, count) => {
    const split = lines.map((each) => line(...(each.split(' ') as [string, string, string])));
    expect(establishedByPort([table(...split)]).get(0x1f90) ?? 0).toBe(count);
  });

  it('are matched with a listener of their own address family', () => {
    const ipv6 = table(
      line(`${'0'.repeat(32)}:1F90`, '0:0', '0A'),
      line('0000000000000000FFFF00000100007F:1F90', '0:A000', '01'),
    );
    const ipv4 = table(line('0300007F:1F90', '0:A001', '01'));
    expect(establishedByPort([ipv4, ipv6])).toEqual(new Map([[0x1f90, 1]]));
  });

  it("exclude a program's outgoing connection from the same port on another address", async () => {
    const [server, other] = [createServer(), createServer()];
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { port: target } = other.address() as { port: number };
    const stranger = connect({ host: '127.0.0.1', port: target, localAddress: '127.0.0.9', localPort: port });
    await once(stranger, 'connect');
    expect(establishedTo(port, 'self')).toBe(0);
    const own = connect(port, '127.0.0.1');
    await eventually(() => establishedTo(port, 'self') === 1);
    for (const socket of [own, stranger]) socket.destroy();
    for (const each of [server, other]) each.close();
  });

  it('are counted for a real server', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(establishedTo(port, 'self')).toBe(0);
    const socket = connect(port, '127.0.0.1');
    await eventually(() => establishedTo(port, 'self') === 1);
    socket.destroy();
    server.close();
    await eventually(() => establishedTo(port, 'self') === 0);
  });

  it('are undefined for a process that does not exist', () => {
    expect(establishedTo(1, 0)).toBeUndefined();
    expect(hasAddress('127.0.0.1', 0)).toBe(false);
  });
});

describe('a network namespace', () => {
  it('is recognised by its addresses', () => {
    const trie =
      '           |-- 10.213.0.0\n              /16 link UNICAST\n           |-- 10.213.0.5\n              /32 host LOCAL\n           |-- 10.213.255.255\n              /32 link BROADCAST\n';
    expect([...ownAddresses(trie)]).toEqual(['10.213.0.5']);
    expect(hasAddress('127.0.0.1', 'self')).toBe(true);
    expect(hasAddress('192.0.2.77', 'self')).toBe(false);
  });
});
