import { isIP } from 'node:net';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { isNodeId } from '@spawner/domain';
import { type Environment, readServiceConfig, sharedAddresses } from '@spawner/service';
import { isSubnet } from './network/address-range.ts';

const REGION = /^[a-zA-Z0-9._-]{1,63}$/;
const NETWORK = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/;
const HOST_AND_PORT = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/;

/** Docker downloads three layers at once, whatever the number of images. More pulls would only make all of them late. */
const PULLS_AT_ONCE = 3;

type Accepts = (text: string) => boolean;
const like = (pattern: RegExp): Accepts => pattern.test.bind(pattern);

export type AgentConfig = ReturnType<typeof readConfig>;

/** Reads SPAWNER_AGENT_… and the shared variables, which README.md lists. Reports every problem at once. */
export const readConfig = (env: Environment) =>
  readServiceConfig('agent', env, 9103, (reader, prefix) => {
    const cluster = env.SPAWNER_CLUSTER || 'local';
    const runtime = reader.oneOf(`${prefix}RUNTIME`, ['auto', 'docker', 'process'], 'auto');
    const programsDir = reader.text(`${prefix}PROGRAMS_DIR`, '');
    if (runtime === 'process' && programsDir === '')
      reader.problem(`${prefix}PROGRAMS_DIR`, 'is required: the directory of programs that may be run');
    const checked = (name: string, usual: string, accepts: Accepts, must: string) =>
      reader.checked(`${prefix}${name}`, usual, accepts, must);
    const optional = (name: string, accepts: Accepts, must: string) =>
      checked(name, '', (text) => text === '' || accepts(text), must);
    return {
      natsUrl: sharedAddresses.natsUrl(reader),
      schedulerAddress: sharedAddresses.scheduler(reader),
      /** Empty for the id in the state directory, which is created at the first start. */
      droneId: optional('DRONE_ID', isNodeId, 'of a-z, 0-9 and inner hyphens, at most 63'),
      region: checked('REGION', 'local', like(REGION), 'of letters, digits, dots, hyphens and underscores'),
      port: reader.port(`${prefix}PORT`, 50_053),
      /** Empty for the bind address and port, with the loopback address if it is every address. */
      advertiseAddress: optional('ADVERTISE_ADDRESS', like(HOST_AND_PORT), 'host:port'),
      stateDir: resolve(reader.text(`${prefix}STATE_DIR`, './.spawner/agent')),
      runtime,
      programsDir: programsDir === '' ? '' : resolve(programsDir),
      docker: {
        socketPath: reader.text(`${prefix}DOCKER_SOCKET`, '/var/run/docker.sock'),
        engineRuntime: reader.text(`${prefix}DOCKER_RUNTIME`, ''),
        network: checked(
          'DOCKER_NETWORK',
          `spawner-${cluster}`,
          like(NETWORK),
          'the name of a Docker network',
        ),
        subnet: optional('DOCKER_SUBNET', isSubnet, 'an IPv4 subnet from /8 to /28, such as 10.213.0.0/16'),
        pullsAtOnce: reader.integer(`${prefix}PULLS_AT_ONCE`, PULLS_AT_ONCE, { min: 1, max: 1_000 }),
        publishAddress: optional(
          'PUBLISH_ADDRESS',
          // It becomes part of routes, and no machine can connect to an unspecified address.
          (text) => isIP(text) !== 0 && !/^[0:.]+$/.test(text),
          'one address of this machine that other machines reach',
        ),
      },
      sandboxes: {
        resting: reader.integer(`${prefix}SANDBOXES`, Math.min(48, 12 * availableParallelism()), {
          max: 256,
        }),
        cpuPercent: reader.integer(`${prefix}SANDBOXES_CPU_PERCENT`, 25, { min: 1, max: 100 }),
      },
      cpuMillis: reader.integer(`${prefix}CPU_MILLIS`, cpus().length * 1_000, { min: 1 }),
      memoryBytes: reader.integer(`${prefix}MEMORY_BYTES`, totalmem(), { min: 1 }),
      startsAtOnce: reader.integer(`${prefix}STARTS_AT_ONCE`, Math.max(2, availableParallelism()), {
        min: 1,
        max: 1_000,
      }),
      /** Users' lines are for the caller alone, unless the owner of the bus wants them collected there. */
      logsOnBus: reader.flag(`${prefix}LOGS_ON_BUS`, false),
      maxBackends: reader.integer(`${prefix}MAX_BACKENDS`, 1_000, { min: 1, max: 100_000 }),
    };
  });
