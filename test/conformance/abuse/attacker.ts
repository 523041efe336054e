/**
 * `attacker.ts KIND PORT HOST` abuses the proxy from its own process until it is ended. It prints `under way`, and then once a
 * second how strong the attack is, as JSON: the connections that are open, and how many were connected in that second.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const [kind = '', port = '0', host = ''] = process.argv.slice(2);
const IDLE = 10_000;
const PER_ADDRESS = 150;
const SLOW = 400;
const FLOOD_PER_SECOND = 1_000;

let dialled = 0;
let connected = 0;
let open = 0;

/** Uses many loopback addresses, so that no address has too many connections. */
function spread(): Socket {
  const n = Math.floor(dialled++ / PER_ADDRESS) % 200;
  return dial(`127.0.1.${n + 1}`);
}

function dial(localAddress: string): Socket {
  return connect({ port: Number(port), host: '127.0.0.1', localAddress })
    .on('error', () => {})
    .once('connect', function (this: Socket) {
      connected += 1;
      open += 1;
      this.once('close', () => {
        open -= 1;
      });
    })
    .resume();
}

async function report(): Promise<never> {
  console.log('under way');
  for (let before = connected; ; before = connected) {
    await wait(1_000);
    console.log(JSON.stringify({ open, perSecond: connected - before }));
  }
}

async function untilOpen(count: number): Promise<void> {
  for (let n = 0; n < 600 && open < count; n++) await wait(50);
}

/** Each connection sends this beginning, then a byte twice a second, and is replaced when it is closed. */
async function drip(beginning: string): Promise<void> {
  const sockets = Array.from({ length: SLOW }, () => spread());
  for (const socket of sockets) socket.write(beginning);
  await untilOpen(SLOW);
  void report();
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

const KINDS: Readonly<Record<string, () => Promise<void>>> = {
  'slow heads': () => drip(`GET / HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `),
  'slow bodies': () => drip(`POST /echo HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100000\r\n\r\n`),
  'idle connections': async () => {
    for (let n = 0; n < IDLE; n++) {
      spread();
      if (n % 100 === 99) await wait(10);
    }
    await untilOpen(IDLE);
    await report();
  },
  'header bombs': async () => {
    const bomb = Buffer.from(
      `GET / HTTP/1.1\r\nHost: ${host}\r\n${'X-Bomb: 0123456789abcdef\r\n'.repeat(40_000)}`,
    );
    const throwing = async () => {
      for (;;) {
        const socket = spread();
        const over = new Promise((resolve) => socket.once('close', resolve));
        socket.end(bomb);
        await Promise.race([over, wait(5_000)]);
        socket.destroy();
        await wait(20);
      }
    };
    void report();
    await Promise.all(Array.from({ length: 8 }, throwing));
  },
  'a thousand connections a second': async () => {
    void report();
    const kept: Socket[] = [];
    const begun = performance.now();
    for (let count = 0; ; ) {
      // A late timer is made up for, so that the rate does not depend on it.
      for (; count < ((performance.now() - begun) / 1_000) * FLOOD_PER_SECOND; count++) {
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
