import { systemClock } from '@spawner/domain';
import { connectionTable } from './connection-table.ts';

const line = (local: string, state: string) =>
  `   1: ${local} 0100007F:C000 ${state} 00000000:00000000 00:0 0\n`;
const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n';

/** A table whose reads and pauses end when the test says so. */
function scene() {
  const gathering = Promise.withResolvers<void>();
  const readings: ReturnType<typeof Promise.withResolvers<readonly string[]>>[] = [];
  const clock = { ...systemClock, sleep: () => gathering.promise };
  const table = connectionTable(clock, () => {
    const reading = Promise.withResolvers<readonly string[]>();
    readings.push(reading);
    return reading.promise;
  });
  return { gathering, readings, table };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the table of connections', () => {
  it('is read once for all calls before the read', async () => {
    const { gathering, readings, table } = scene();
    const asked = [80, 81, 443].map((port) => table(port));
    gathering.resolve();
    await settled();
    expect(readings).toHaveLength(1);
    const ipv4 =
      HEAD + line('0100007F:0050', '01') + line('0100007F:0050', '06') + line('0100007F:0051', '01');
    readings[0]?.resolve([ipv4, HEAD + line('00000000000000000000000001000000:0050', '01')]);
    expect(await Promise.all(asked)).toEqual([2, 1, 0]);
  });

  it('is read again for a call during a read, so that every answer is from after its call', async () => {
    const { gathering, readings, table } = scene();
    const before = table(80);
    gathering.resolve();
    await settled();
    const after = table(80);
    await settled();
    readings[0]?.resolve([HEAD]);
    readings[1]?.resolve([HEAD + line('0100007F:0050', '01')]);
    expect(await Promise.all([before, after])).toEqual([0, 1]);
  });

  it('returns undefined if the kernel cannot be asked, and asks again', async () => {
    const { gathering, readings, table } = scene();
    gathering.resolve();
    const first = table(80);
    await settled();
    readings[0]?.reject(new Error('no such file'));
    expect(await first).toBeUndefined();
    const second = table(80);
    await settled();
    readings[1]?.resolve([HEAD]);
    expect(await second).toBe(0);
  });
});
