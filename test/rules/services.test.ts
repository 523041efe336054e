import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.ts';

const HEADINGS = ['Job', 'Flow', 'Configuration', 'Metrics', 'Failure', 'Where to read'];
/** Accepted until every README has the headings above. */
const FORMER_HEADINGS = ['What it does', 'Configuration', 'Signals', 'Metrics'];

const services = readdirSync(join(root, 'services'));
const file = (service: string, path: string) => join(root, 'services', service, path);

describe('every service', () => {
  it('is one of the six rooms', () => {
    expect(services.sort()).toEqual(['agent', 'certificates', 'dns', 'gateway', 'proxy', 'scheduler']);
  });

  it.each(services)('%s has main.ts and config.ts', (service) => {
    const missing = ['src/main.ts', 'src/config.ts'].filter((path) => !existsSync(file(service, path)));
    expect(missing).toEqual([]);
  });

  it.each(services)('%s has a main.ts that reads like a recipe, without branches', (service) => {
    const path = file(service, 'src/main.ts');
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const branches = text
      .split('\n')
      .filter((line) => /^\s*(?:\} else |if \(|switch \(|for \(|while \()/.test(line));
    expect(branches).toEqual([]);
  });

  it.each(services)('%s has a README with its name and the sections that people look for', (service) => {
    const path = file(service, 'README.md');
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const headings = new Set(text.split('\n').map((line) => line.trim()));
    const named = headings.has('## Name') || new RegExp(`^# .*${service}`, 'im').test(text);
    const wanted = headings.has('## Job') ? HEADINGS : FORMER_HEADINGS;
    const missing = wanted
      .filter((heading) => !headings.has(`## ${heading}`))
      .map((heading) => `## ${heading}`);
    expect([...(named ? [] : ['## Name']), ...missing]).toEqual([]);
  });
});
