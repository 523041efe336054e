/** Redis, NATS and dockerd of our own: how each is started, and how to tell that it answers. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Place } from '../claim/place.ts';
import type { ChildSpec } from '../processes/child.ts';
import { identify, isAlive } from '../processes/process-ref.ts';
import { dockerAnswers } from './docker.ts';

export interface Part {
  spec: ChildSpec;
  /** Its address for the services. */
  address: string;
  answers: () => Promise<boolean>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A Redis whose data survives its own restarts, but not those of `up`. */
export function redisPart(place: Place, env: Environment, port: number): Part {
  freshFolder(place.redis);
  const args = [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', place.redis],
    ...['--save', '', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction'],
  ];
  return {
    spec: spec(place, env, 'redis', 'redis-server', args),
    address: `redis://127.0.0.1:${port}`,
    answers: () => greets(port, 'PING\r\n', '+PONG'),
  };
}

/** NATS keeps nothing durable, so it gets no folder. */
export function natsPart(place: Place, env: Environment, port: number): Part {
  return {
    spec: spec(place, env, 'nats', 'nats-server', ['--addr', '127.0.0.1', '--port', String(port)]),
    address: `nats://127.0.0.1:${port}`,
    answers: () => greets(port, '', 'INFO '),
  };
}

/** A Docker Engine beside any other, with its own sockets, images and containers. It has only the bridges that agents make. */
export function dockerPart(place: Place, env: Environment): Part {
  const socket = join(place.dockerSockets, 'docker.sock');
  const config = join(place.dockerSockets, 'daemon.json');
  mkdirSync(place.dockerSockets, { recursive: true });
  chmodSync(place.dockerSockets, 0o711);
  writeFileSync(config, '{}');
  rmSync(join(place.dockerSockets, 'docker.pid'), { force: true });
  forgetDeadContainerd(join(place.dockerSockets, 'exec', 'containerd', 'containerd.pid'));
  const args = [
    ...['--host', `unix://${socket}`, '--data-root', place.dockerData],
    ...['--exec-root', join(place.dockerSockets, 'exec')],
    ...['--pidfile', join(place.dockerSockets, 'docker.pid'), '--config-file', config],
    ...['--bridge', 'none', '--live-restore', '--log-level', 'warn'],
  ];
  return {
    spec: { ...spec(place, env, 'dockerd', 'dockerd', args), stopWithinMs: 30_000 },
    address: socket,
    answers: () => dockerAnswers(socket),
  };
}

function spec(
  place: Place,
  env: Environment,
  name: string,
  command: string,
  args: readonly string[],
): ChildSpec {
  const logFile = join(place.logs, `${name}.log`);
  return { name, command, args, env, cwd: place.state, logFile, stopWithinMs: 5_000 };
}

/** dockerd adopts a containerd that outlived it, but would also wait for a zombie or for another process of that pid. */
function forgetDeadContainerd(pidFile: string): void {
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0;
  const name = isAlive(identify(pid)) ? readFileSync(`/proc/${pid}/comm`, 'utf8').trim() : '';
  if (name !== 'containerd') rmSync(pidFile, { force: true });
}

function freshFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/** Whether the loopback port answers `text` within a second, with an answer that begins with `greeting`. */
function greets(port: number, text: string, greeting: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('connect', () => socket.write(text));
    socket.once('data', (answer) => {
      resolve(answer.toString().startsWith(greeting));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
