import { createLog } from '@spawner/service';
import { RuntimeError } from '../runtime/runtime.ts';
import { ensureNetwork, type NetworkApi, type NetworkOptions } from './bridge-network.ts';

const log = createLog('test', 'silent');
const wanted = { network: 'spawner-a', subnet: '', cluster: 'a', log };

/** An engine that has some networks and refuses overlapping ones. */
function engine(networks: Record<string, string>, refuses: (options: NetworkOptions) => string | undefined) {
  const made: NetworkOptions[] = [];
  const api: NetworkApi = {
    find: async (name) => {
      const subnet = networks[name];
      return subnet === undefined ? undefined : { subnet };
    },
    create: async (options) => {
      const words = refuses(options);
      if (words) throw new RuntimeError(words);
      made.push(options);
    },
  };
  return { api, made };
}

const subnetOf = ({ IPAM }: NetworkOptions) => IPAM.Config[0]?.Subnet ?? '';
const free = () => false;

describe('the network of the backends', () => {
  it('is used as it is if it exists', async () => {
    const { api, made } = engine({ 'spawner-a': '10.9.0.0/24', 'spawner-b': '10.8.0.0/24' }, () => undefined);
    expect(await ensureNetwork(api, wanted, free)).toBe('10.9.0.0/24');
    expect(made).toEqual([]);
  });

  it('is created with the first subnet that neither the engine nor the machine has', async () => {
    const { api, made } = engine({}, (options) =>
      subnetOf(options) === '10.214.0.0/16'
        ? 'Pool overlaps with other one on this address space'
        : undefined,
    );
    const taken = (subnet: string) => subnet === '10.213.0.0/16';
    expect(await ensureNetwork(api, wanted, taken)).toBe('10.215.0.0/16');
    expect(made[0]?.Options).toEqual({ 'com.docker.network.bridge.enable_icc': 'false' });
  });

  it('is created with the configured subnet or not at all, and the error names the setting', async () => {
    const { api } = engine({}, () => 'Pool overlaps with other one on this address space');
    await expect(ensureNetwork(api, { ...wanted, subnet: '10.1.0.0/16' }, free)).rejects.toThrow(
      /10\.1\.0\.0\/16.*SPAWNER_AGENT_DOCKER_SUBNET/,
    );
  });

  it('is created without isolation if the kernel does not support it', async () => {
    const { api, made } = engine({}, ({ Options }) =>
      Object.keys(Options).length > 0 ? 'cannot restrict inter-container communication' : undefined,
    );
    await ensureNetwork(api, wanted, free);
    expect(made.map(({ Options }) => Options)).toEqual([{}]);
  });
});
