import { isIP } from 'node:net';
import type { Member } from '@spawner/cluster';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import type { ProcessIdentity } from '@spawner/service';
import type { ProxyConfig } from '../config.ts';

const ANSWER_MS = 5_000;

/** This proxy as the scheduler registers it. Its public addresses may become known only later. */
export class ProxyNode implements Member {
  readonly #config: ProxyConfig;
  readonly #process: ProcessIdentity | undefined;
  #addresses: readonly string[] = [];

  constructor(config: ProxyConfig, process: ProcessIdentity | undefined) {
    this.#config = config;
    this.#process = process;
  }

  get node(): Node {
    const { id, region, droneId } = this.#config;
    const own = { id, region, droneId, process: this.#process };
    return Node.fromPartial({ ...own, kind: NodeKind.PROXY, publicAddresses: [...this.#addresses] });
  }

  /** To be called before a registration. Rejects while the service that knows the address is away. */
  async findAddresses(): Promise<void> {
    if (this.#addresses.length === 0) this.#addresses = await publicAddresses(this.#config);
  }
}

/**
 * The addresses that DNS gives to users: those configured, otherwise the one that an HTTP service answers with as text.
 * Rejects if the service answers anything else.
 */
export async function publicAddresses(config: Pick<ProxyConfig, 'publicAddresses' | 'publicAddressApi'>) {
  const { publicAddresses: configured, publicAddressApi: api } = config;
  if (configured.length > 0 || api === undefined) return configured;
  const answer = await fetch(api, { signal: AbortSignal.timeout(ANSWER_MS) });
  const text = (await answer.text()).trim();
  if (!answer.ok || isIP(text) === 0)
    throw new Error(`the public address service answered ${answer.status}, not an IP address`);
  return [text];
}
