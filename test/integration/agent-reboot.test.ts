import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type TempDir, tempDir } from '@spawner/testkit';
import { installProgram } from '../../deploy/images/program.ts';
import { type AgentWorld, startAgentWorld } from './agent-harness.ts';

const { READY, TERMINATED } = BackendState;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

describe('an agent after a reboot of its machine', () => {
  let programs: TempDir;
  let world: AgentWorld;
  const boot = (id: string) => writeFile(join(programs.path, 'boot-id'), `${id}\n`);

  beforeAll(async () => {
    programs = await tempDir('programs');
    installProgram({ name: 'probe', directory: programs.path });
    await boot('first');
    // The agent reads the boot id from a file of the test, in a mount namespace of its own.
    const mount = `mount --bind ${join(programs.path, 'boot-id')} ${BOOT_ID} && exec "$@"`;
    world = await startAgentWorld(
      { SPAWNER_AGENT_RUNTIME: 'process', SPAWNER_AGENT_PROGRAMS_DIR: programs.path },
      ['unshare', '--mount', 'sh', '-c', mount, 'sh'],
    );
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await programs?.stop();
  });

  it('fences strictly keyed backends, whose lease is unknown, and keeps the others', async () => {
    const [keyed, free] = await Promise.all([
      world.place({}, { namespace: '', name: 'document', tag: '' }),
      world.place({}),
    ]);
    await Promise.all([keyed, free].map((id) => world.reaches(id, READY)));
    await world.crash();
    await world.restart();
    const statusOf = (id: string) =>
      world.scheduler.inventory.find(({ status }) => status?.id === id)?.status;
    expect([keyed, free].map((id) => statusOf(id)?.state)).toEqual([READY, READY]);
    await world.crash();
    await boot('second');
    await world.restart();
    expect(await world.reaches(keyed, TERMINATED)).toMatchObject({ endReason: EndReason.LEASE_LOST });
    expect(world.scheduler.statuses.get(free)?.state).toBe(READY);
    await world.stop(free);
    expect(await world.reaches(free, TERMINATED)).toMatchObject({ endReason: EndReason.REQUESTED });
  });
});
