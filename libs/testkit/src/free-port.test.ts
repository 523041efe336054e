import { freePort } from './free-port.ts';
import { type Program, startProgram } from './program.ts';

const MODULE = new URL(`file://${__dirname}/free-port.ts`).href;

/** Another process, which takes so many ports of the range that this worker has, and stays. */
function taker(count: number): Promise<Program> {
  const script = `const { freePort } = await import('${MODULE}');
    const ports = [];
    for (let n = 0; n < ${count}; n++) ports.push(await freePort());
    console.log(JSON.stringify(ports));
    setInterval(() => {}, 1000);`;
  return startProgram({
    command: process.execPath,
    args: ['--input-type=module', '-e', script],
    ready: (line) => line.startsWith('['),
  });
}

const portsOf = ({ lines }: Program) => JSON.parse(lines.find((line) => line.startsWith('['))!) as number[];

describe('a free port', () => {
  it('lies below the range from which outgoing connections are given theirs, and is another one each time', async () => {
    const ports = [await freePort(), await freePort(), await freePort()];
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(15_000);
      expect(port).toBeLessThan(32_000);
    }
    expect(new Set(ports).size).toBe(3);
  });

  it('is given to one process of tests at a time, as long as that lives', async () => {
    await using one = await taker(300);
    await using other = await taker(300);
    expect(new Set([...portsOf(one), ...portsOf(other)]).size).toBe(600);
  });

  it('may be one that a process had which is no more: else there would not be enough', async () => {
    for (let times = 0; times < 2; times += 1) {
      await using one = await taker(600);
      expect(portsOf(one)).toHaveLength(600);
    }
  });
});
