import { isIP } from 'node:net';

const ANSWER_MS = 5_000;

export interface PublicAddresses {
  readonly addresses: readonly string[];
  close(): void;
}

/**
 * The addresses that DNS gives to users: those configured, else the one that an HTTP service says we come
 * from (its answer is that address as text). Throws when the service answers anything else.
 */
export async function publicAddresses(config: {
  publicAddresses: readonly string[];
  publicAddressApi: string | undefined;
}): Promise<PublicAddresses> {
  const { publicAddresses: configured, publicAddressApi: api } = config;
  const addresses = configured.length > 0 || api === undefined ? configured : [await ask(api)];
  return { addresses, close: () => {} };
}

async function ask(api: string): Promise<string> {
  const answer = await fetch(api, { signal: AbortSignal.timeout(ANSWER_MS) });
  const text = (await answer.text()).trim();
  if (!answer.ok || isIP(text) === 0)
    throw new Error(`the public address service answered ${answer.status}, not an IP address`);
  return text;
}
