import { droneNode } from './member.ts';

const size = { region: 'r', cpuMillis: 1, memoryBytes: 1, maxBackends: 1 };

it.each([
  ['127.0.0.1', '', '127.0.0.1:7'],
  ['10.0.0.5', '', '10.0.0.5:7'],
  ['0.0.0.0', '', '127.0.0.1:7'],
  ['::', '', '127.0.0.1:7'],
  ['::1', '', '[::1]:7'],
  ['10.0.0.5', 'drone.example:9', 'drone.example:9'],
])('an agent bound to %j that advertises %j is reached at %j', (bindAddress, advertiseAddress, reached) => {
  const node = droneNode({ ...size, bindAddress, advertiseAddress }, 'd', 'process', 7);
  expect(node.rpcAddress).toBe(reached);
});
