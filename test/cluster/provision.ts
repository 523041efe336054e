/** The images and ports that a cluster needs before its first service starts. */
import { type Docker, freePort } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { installProgram } from '../../deploy/images/program.ts';
import { PORT_RULES } from '../../deploy/local/settings/ports.ts';
import { type Constellation, SERVICES, type ServiceName } from '../../deploy/local/settings/services.ts';
import type { ServicePorts } from './service-process.ts';

/** Makes the images in the engine, or the same applications as programs in the folder where there is none. */
export async function provideImages(
  images: string[],
  docker: Docker | undefined,
  programs: string,
): Promise<Constellation['runtime']> {
  for (const name of images) {
    if (docker) await buildImage({ name, socketPath: docker.socketPath });
    else installProgram({ name, directory: programs });
  }
  return docker ? { kind: 'docker', socket: docker.socketPath } : { kind: 'process', programs };
}

/** Ports for `count` (one) of each service, no two alike. */
export async function givePorts(
  count: Partial<Record<ServiceName, number>> = {},
): Promise<Record<ServiceName, ServicePorts[]>> {
  const given: Record<ServiceName, ServicePorts[]> = {
    scheduler: [],
    agent: [],
    proxy: [],
    gateway: [],
    dns: [],
    certificates: [],
  };
  const taken = new Set<number>();
  for (const service of SERVICES) {
    for (let number = 0; number < (count[service] ?? 1); number += 1) {
      const ports: ServicePorts = {};
      for (const rule of PORT_RULES.filter((each) => each.service === service)) {
        let port = await freePort();
        while (taken.has(port)) port = await freePort();
        taken.add(port);
        ports[rule.variable] = port;
      }
      given[service].push(ports);
    }
  }
  return given;
}
