/** The number of WebSockets that a proxy can have open on this machine, and that it has. */
import { execFileSync } from 'node:child_process';
import { request } from '@spawner/testkit';

/** Descriptors of a proxy besides the two per WebSocket. */
const OWN_DESCRIPTORS = 200;

/** The most descriptors of a process that we start. */
export function descriptors(): number {
  return Number(execFileSync('sh', ['-c', 'ulimit -n']));
}

/** The wanted number, or as many as the limit on descriptors allows. */
export function mostWebSockets(wanted: number): number {
  return Math.min(wanted, Math.floor((descriptors() - OWN_DESCRIPTORS) / 2));
}

/** The number in the proxy's metrics. */
export async function openWebSockets({ adminPort }: { adminPort: number }): Promise<number> {
  const { body } = await request({ port: adminPort, path: '/metrics' });
  return Number(/^spawner_proxy_open_websockets\S* (\d+)/m.exec(body)?.[1]);
}
