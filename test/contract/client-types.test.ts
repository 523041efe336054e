/** The SDK's types beside the contract: the lists have to be what the messages have, and the compiler lets nothing in that the types lack. */
import type { Backend, BackendSpec, Drone } from '@spawner/client';
import { jsonSchemas } from '@spawner/proto';

const names = <T>(...fields: (keyof T & string)[]) => fields;

it.each([
  [
    'BackendSpec',
    [
      ...names<BackendSpec>('image', 'pullPolicy', 'credentials', 'command', 'args', 'env', 'port', 'labels'),
      ...names<BackendSpec>('resources', 'readiness', 'stopSignal', 'stopGraceMs', 'pullTimeoutMs'),
      ...names<BackendSpec>('startupTimeoutMs', 'idleTimeoutMs', 'lifetimeLimitMs', 'onLeaseLoss', 'access'),
      ...names<BackendSpec>('pages'),
    ],
  ],
  [
    'Backend',
    [
      ...names<Backend>('id', 'state', 'revision', 'url', 'droneId', 'image', 'labels', 'idleTimeoutMs'),
      ...names<Backend>('lifetimeLimitMs', 'createTime', 'readyTime', 'endTime', 'endReason', 'endDetail'),
      ...names<Backend>('exitCode', 'outOfMemory', 'lastLogs', 'events', 'activity', 'key', 'fence'),
      ...names<Backend>('unreachable', 'access', 'queuePosition', 'expectedWaitMs', 'steps', 'pull'),
    ],
  ],
  [
    'Drone',
    [
      ...names<Drone>('id', 'state', 'region', 'runtime', 'capacity', 'reserved', 'registerTime'),
      ...names<Drone>('heartbeatAgeMs', 'pendingStarts', 'expectedWaitMs'),
    ],
  ],
])('the SDK has every field of %s', (message, fields) => {
  const schema = jsonSchemas([`spawner.v1.${message}`], new Set())[message];
  expect(Object.keys(schema?.properties ?? {}).sort()).toEqual(fields.toSorted());
});
