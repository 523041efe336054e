import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.ts';

const FILES = ['src/main.ts', 'src/config.ts', 'src/metrics.ts'];
const HEADINGS = ['Job', 'Flow', 'Configuration', 'Metrics', 'Failure', 'Where to read'];
/** A row of the last section: a question, a file below the service, and a symbol that the file defines. */
const POINTER = /^\| [^|]+ \| `(src\/[^`]+)` \| `(\w+)` \|$/gm;

const services = readdirSync(join(root, 'services'));
const file = (service: string, path: string) => join(root, 'services', service, path);

describe('every service', () => {
  it('is one of the six rooms', () => {
    expect(services.sort()).toEqual(['agent', 'certificates', 'dns', 'gateway', 'proxy', 'scheduler']);
  });

  it.each(services)('%s has main.ts, config.ts and metrics.ts', (service) => {
    const missing = FILES.filter((path) => !existsSync(file(service, path)));
    expect(missing).toEqual([]);
  });

  it.each(services)('%s has a main.ts that reads like a recipe, without branches', (service) => {
    const path = file(service, 'src/main.ts');
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const branches = text
      .split('\n')
      .filter((line) => /^\s*(?:\} else |if \(|switch \(|for \(|while \()|\s\?\s.*:|^\s*\?\s/.test(line));
    expect(branches).toEqual([]);
  });

  it.each(services)('%s has a README with its name and the same sections in the same order', (service) => {
    const path = file(service, 'README.md');
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const [title = '', ...headings] = [...text.matchAll(/^#{1,2} (.*)$/gm)].map((match) => match[1]!);
    expect(title.toLowerCase()).toContain(service);
    expect(headings).toEqual(HEADINGS);
  });

  it.each(services)('%s has a README whose pointers lead to symbols that exist', (service) => {
    const pointers = [...readFileSync(file(service, 'README.md'), 'utf8').matchAll(POINTER)];
    const lost = pointers
      .filter(([, path = '', symbol = '']) => !defines(file(service, path), symbol))
      .map(([, path, symbol]) => `${path} ${symbol}`);
    expect([pointers.length > 3, lost]).toEqual([true, []]);
  });
});

function defines(path: string, symbol: string): boolean {
  if (!existsSync(path)) return false;
  return new RegExp(`\\b(?:function\\*?|const|class|interface|type) ${symbol}\\b`).test(
    readFileSync(path, 'utf8'),
  );
}
