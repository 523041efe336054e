/** A gateway that is stopped while it is being called. */
import { BackendState } from '@spawner/proto/v1/backend';
import { eventually } from '@spawner/testkit';
import { bodyOf, startHttpScene } from './http-scene.ts';

it('lets a call that runs finish, and ends its streams', async () => {
  const scene = await startHttpScene();
  const { scheduler } = scene.gateway;
  const spec = { image: 'test/manual' };
  const holder = bodyOf(await scene.post({ spec, key: { name: 'k' } })).backend.id;
  scheduler.advance(holder, BackendState.TERMINATING);
  const stream = scene.get(`/v1/backends/${holder}/events`);
  const spawn = scene.post({ spec, key: { name: 'k' } });
  await eventually(() => scheduler.asked.length > 1);

  const closed = scene[Symbol.asyncDispose]();
  expect((await stream).status).toBe(200);
  scheduler.advance(holder, BackendState.TERMINATED);
  const answer = await spawn;
  expect([answer.status, bodyOf(answer)]).toMatchObject([201, { spawned: true }]);
  await closed;
});
