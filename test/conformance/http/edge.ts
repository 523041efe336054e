import { connect } from 'node:tls';
import { eventually } from '@spawner/testkit';
import { type ProxyWorld, startProxyWorld } from '../../integration/proxy-fixture.ts';
import type { Course } from './course.ts';
import { Recorder } from './recorder.ts';

/** Our own proxy with or without its fast path, and ways through it to backends of their own. */
export interface Edge extends AsyncDisposable {
  name: string;
  world: ProxyWorld;
  courses: Course[];
}

export type EdgePath = 'fast path' | 'general path';

export async function startEdge(name: EdgePath, count: number, env = {}): Promise<Edge> {
  await using stack = new AsyncDisposableStack();
  const fastPath = name === 'fast path' ? 'on' : 'off';
  const world = stack.use(await startProxyWorld({ SPAWNER_PROXY_FAST_PATH: fastPath, ...env }));
  const courses: Course[] = [];
  for (let at = 0; at < count; at++) {
    const recorder = stack.use(await Recorder.start());
    const { host } = await world.backend(recorder);
    courses.push({ port: world.port, host, recorder, mark: 'x-spawner-backend' });
  }
  const disposables = stack.move();
  return { name, world, courses, [Symbol.asyncDispose]: () => disposables.disposeAsync() };
}

/** The certificate has come: handshakes succeed. */
export function isCertified(port: number, servername: string): Promise<boolean> {
  const shake = () =>
    new Promise<boolean>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false }, () =>
        resolve(true),
      );
      socket.once('error', reject);
      socket.once('secureConnect', () => socket.destroy());
    });
  return eventually(shake);
}
