/** Many WebSockets to one proxy: how many it can have open here, and how many it has. */
import { execFileSync } from 'node:child_process';
import { request } from '@spawner/testkit';

/** A proxy has two descriptors per WebSocket, and some of its own. */
const OWN_DESCRIPTORS = 200;

/** How many descriptors a process that we start may have open. */
export function descriptors(): number {
  return Number(execFileSync('sh', ['-c', 'ulimit -n']));
}

/** As many as are wanted, or as the limit on descriptors allows. */
export function mostWebSockets(wanted: number): number {
  return Math.min(wanted, Math.floor((descriptors() - OWN_DESCRIPTORS) / 2));
}

/** As the proxy's metrics have it. */
export async function openWebSockets({ adminPort }: { adminPort: number }): Promise<number> {
  const { body } = await request({ port: adminPort, path: '/metrics' });
  return Number(/^spawner_proxy_open_websockets\S* (\d+)/m.exec(body)?.[1]);
}
