import { isIP } from 'node:net';
import { cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { isNodeId } from '@spawner/domain';
import { type Environment, readServiceConfig, sharedAddresses } from '@spawner/service';
import { isSubnet } from './network/address-range.ts';

export type AgentConfig = ReturnType<typeof readConfig>;

/** The agent's configuration from its environment; every problem at once. README.md tells each variable. */
export const readConfig = (env: Environment) =>
  readServiceConfig('agent', env, 9103, (reader, prefix) => {
    const cluster = env.SPAWNER_CLUSTER || 'local';
    const runtime = reader.oneOf(`${prefix}RUNTIME`, ['auto', 'docker', 'process'], 'auto');
    const programsDir = reader.text(`${prefix}PROGRAMS_DIR`, '');
    if (runtime === 'process' && programsDir === '')
      reader.problem(`${prefix}PROGRAMS_DIR`, 'is required: the directory of programs that may be run');
    const optionally = (accepts: (text: string) => boolean) => (text: string) => text === '' || accepts(text);
    return {
      natsUrl: sharedAddresses.natsUrl(reader),
      schedulerAddress: sharedAddresses.scheduler(reader),
      /** Empty: the one kept in the state directory, made up the first time. */
      droneId: reader.checked(
        `${prefix}DRONE_ID`,
        '',
        optionally(isNodeId),
        'of a-z, 0-9 and inner hyphens, at most 63',
      ),
      region: reader.checked(
        `${prefix}REGION`,
        'local',
        (text) => /^[a-zA-Z0-9._-]{1,63}$/.test(text),
        'of letters, digits, dots, hyphens and underscores',
      ),
      port: reader.port(`${prefix}PORT`, 50_053),
      /** Empty: the bind address, or where that is every address the loopback one, and the port that was bound. */
      advertiseAddress: reader.checked(
        `${prefix}ADVERTISE_ADDRESS`,
        '',
        optionally((text) => /^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/.test(text)),
        'host:port',
      ),
      stateDir: resolve(reader.text(`${prefix}STATE_DIR`, './.spawner/agent')),
      runtime,
      programsDir: programsDir === '' ? '' : resolve(programsDir),
      docker: {
        socketPath: reader.text(`${prefix}DOCKER_SOCKET`, '/var/run/docker.sock'),
        engineRuntime: reader.text(`${prefix}DOCKER_RUNTIME`, ''),
        network: reader.checked(
          `${prefix}DOCKER_NETWORK`,
          `spawner-${cluster}`,
          (text) => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/.test(text),
          'the name of a Docker network',
        ),
        subnet: reader.checked(
          `${prefix}DOCKER_SUBNET`,
          '',
          optionally(isSubnet),
          'an IPv4 subnet from /8 to /28, such as 10.213.0.0/16',
        ),
        publishAddress: reader.checked(
          `${prefix}PUBLISH_ADDRESS`,
          '',
          // It becomes part of routes: what stands for every address of a machine is none that another can connect to.
          optionally((text) => isIP(text) !== 0 && !/^[0:.]+$/.test(text)),
          'one address of this machine that the others reach',
        ),
      },
      cpuMillis: reader.integer(`${prefix}CPU_MILLIS`, cpus().length * 1_000, { min: 1 }),
      memoryBytes: reader.integer(`${prefix}MEMORY_BYTES`, totalmem(), { min: 1 }),
      maxBackends: reader.integer(`${prefix}MAX_BACKENDS`, 1_000, { min: 1, max: 100_000 }),
    };
  });
