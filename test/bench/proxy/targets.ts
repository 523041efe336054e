import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type Authority,
  type Certificate,
  eventually,
  request,
  startProgram,
  tempDir,
} from '@spawner/testkit';
import { ROOT } from '../../cluster/service-process.ts';
import { asDeployed } from '../as-deployed.ts';
import type { Peer } from './peers.ts';

/** A proxy under load: a peer, or one of ours. */
export interface Target extends Peer {
  host: string;
}

/** A proxy of ours, with the addresses for filling its route table. */
export interface OwnTarget extends Target {
  adminPort: number;
  redisUrl: string;
}

interface World {
  host: string;
  port: number;
  httpsPort: number;
  adminPort: number;
  pid: number;
  redisUrl: string;
}

/** Starts our proxies, each with surroundings of its own and as its image starts it. */
export class OwnProxies {
  readonly #authority: Authority;
  readonly #files: readonly [cert: string, key: string];
  readonly #backendPort: number;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    authority: Authority,
    files: readonly [string, string],
    backendPort: number,
    stack: AsyncDisposableStack,
  ) {
    this.#authority = authority;
    this.#files = files;
    this.#backendPort = backendPort;
    this.#stack = stack;
  }

  /** The proxies end with the stack. */
  static async open(
    authority: Authority,
    certificate: Certificate,
    backendPort: number,
    stack: AsyncDisposableStack,
  ): Promise<OwnProxies> {
    const { path } = stack.use(await tempDir('bench'));
    const files = [join(path, 'cert.pem'), join(path, 'key.pem')] as const;
    await Promise.all([writeFile(files[0], certificate.certPem), writeFile(files[1], certificate.keyPem)]);
    return new OwnProxies(authority, files, backendPort, stack);
  }

  /** Starts a proxy of a checkout, ours by default, and waits until it serves by HTTPS. */
  async start(name: string, { fastPath = 'on', tree = ROOT } = {}): Promise<OwnTarget> {
    const env = JSON.stringify({
      ...asDeployed('proxy'),
      SPAWNER_PROXY_FAST_PATH: fastPath,
      SPAWNER_PROXY_HTTPS: 'true',
      SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false',
    });
    const file = new URL('./world.ts', import.meta.url).pathname;
    const root = resolve(tree);
    const program = this.#stack.use(
      await startProgram({
        command: process.execPath,
        args: [file, root, env, ...this.#files, String(this.#backendPort)],
        cwd: root,
        ready: (line) => line.startsWith('{"world"'),
      }),
    );
    const line = program.lines.find((each) => each.startsWith('{"world"')) ?? '';
    const { world } = JSON.parse(line) as { world: World };
    const ca = this.#authority.caPem;
    await eventually(() => request({ port: world.httpsPort, host: world.host, tls: { ca } }));
    return { name, ...world, pids: [world.pid] };
  }
}
