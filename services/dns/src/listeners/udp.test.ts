import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { NetworkInterfaceInfo } from 'node:os';
import { testLog } from '@spawner/testkit';
import { listenUdp } from './udp.ts';

const log = testLog();

/** The address that answers a question to this one. */
async function answeringAddress(address: string, port: number): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.send('a question', port, address);
    const [, from] = await once(socket, 'message');
    return from.address;
  } finally {
    socket.close();
  }
}

describe('listenUdp', () => {
  it.each([
    ['0.0.0.0', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.2'],
    ['::', '127.0.0.2'],
    ['::', '::1'],
    ['127.0.0.2', '127.0.0.2'],
  ])('listening on %s, answers from the address that was asked: %s', async (listen, asked) => {
    const udp = await listenUdp({ address: listen, port: 0 }, (bytes) => bytes, log);
    try {
      expect(await answeringAddress(asked, udp.port)).toBe(asked);
      await udp.follow();
      expect(await answeringAddress(asked, udp.port)).toBe(asked);
    } finally {
      await udp.close();
    }
  });

  it('answers from an address that comes later, and lets one go that left', async () => {
    let addresses = ['192.0.2.200'];
    const interfaces = () => ({
      eth0: addresses.map((address) => ({ address, family: 'IPv4' }) as NetworkInterfaceInfo),
    });
    const udp = await listenUdp({ address: '0.0.0.0', port: 0, interfaces }, (bytes) => bytes, log);
    expect(await answeringAddress('127.0.0.40', udp.port)).toBe('127.0.0.1');
    addresses = ['127.0.0.40'];
    await udp.follow();
    expect(await answeringAddress('127.0.0.40', udp.port)).toBe('127.0.0.40');
    addresses = [];
    await udp.follow();
    expect(await answeringAddress('127.0.0.40', udp.port)).toBe('127.0.0.1');
    await udp.close();
  });

  it('rejects if another program has the port at one of the addresses', async () => {
    const other = createSocket('udp4');
    await once(other.bind(0, '127.0.0.2'), 'listening');
    const { port } = other.address();
    await expect(listenUdp({ address: '0.0.0.0', port }, () => undefined, log)).rejects.toThrow('EADDRINUSE');
    other.close();
  });
});
