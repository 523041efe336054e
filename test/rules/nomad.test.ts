/** There is no Nomad to ask here: the files are parsed by HashiCorp's own grammar and held against the services' configuration. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import hcl from 'hcl2-parser';
import { PORT_RULES } from '../../deploy/local/settings/ports.ts';
import { SERVICES, type ServiceName } from '../../deploy/local/settings/services.ts';
import { knownVariables, problemsOf } from './known-variables.ts';

const FOLDER = join(__dirname, '../../deploy/nomad');
/** Where users expect what a service offers elsewhere by default. */
const PUBLIC_PORT: Record<number, number> = { 8000: 80, 8443: 443, 5300: 53 };
/** Nomad's part of a running allocation, for example. */
const ALLOCATION: Record<string, string> = {
  'attr.unique.network.ip-address': '10.0.0.5',
  'node.unique.id': '8a1d3c8e-6a0f-4a26-9c7b-0f6f4b4d1c11',
  'node.datacenter': 'dc1',
  NOMAD_ALLOC_DIR: '/alloc',
};

type Block<T> = [T];
interface Job {
  job: Record<string, Block<{ type: string; group: Record<string, Block<Group>> }>>;
  variable: Record<string, Block<{ default: string | string[] }>>;
}
interface Group {
  network: Block<{ mode: string; port: Record<string, Block<{ static: number }>> }>;
  service: { name: string; port: string; check: Block<{ port: string; path: string }> }[];
  task: Record<string, Block<Task>>;
}
interface Task {
  driver: string;
  config: Block<{ image: string; network_mode: string }>;
  env: Block<Record<string, string>>;
  template?: { data: string; env: boolean }[];
}

function read(service: string) {
  const [content, problem] = hcl.parseToObject(readFileSync(join(FOLDER, `${service}.nomad.hcl`), 'utf8'));
  if (!content) throw new Error(`${service}.nomad.hcl is not HCL: ${JSON.stringify(problem)}`);
  const { job, variable } = content as Job;
  const group = job[`spawner-${service}`]![0].group[service]![0];
  const [task] = group.task[service]!;
  const ports = Object.fromEntries(
    Object.entries(group.network[0].port).map(([name, [port]]) => [name, port.static]),
  );
  return { variable, group, task, ports };
}

/** Variables that templates of the task set. */
function templated({ template = [] }: Task): string[] {
  return template.flatMap(({ data }) => [...data.matchAll(/^\s*(SPAWNER_\w+)=/gm)].map(([, name]) => name!));
}

/** The environment that Nomad would make of the task's own. */
function filledIn(service: string): Record<string, string> {
  const { task, variable, ports } = read(service);
  const fill = (text: string) =>
    text.replaceAll(/\$\{([^}]+)\}/g, (whole, expression: string) => {
      const [, kind, label] = /^NOMAD_(PORT|ADDR)_(\w+)$/.exec(expression) ?? [];
      if (label) return `${kind === 'ADDR' ? '10.0.0.5:' : ''}${ports[label]}`;
      const name = /var\.(\w+)/.exec(expression)?.[1];
      const value = name ? [variable[name]![0].default].flat().join() : ALLOCATION[expression];
      return value ?? whole;
    });
  return Object.fromEntries(Object.entries(task.env[0]).map(([name, value]) => [name, fill(value)]));
}

it('there is one Nomad job for each service and none beside them', () => {
  const files = readdirSync(FOLDER).map((file) => file.replace(/\.nomad\.hcl$/, ''));
  expect(files.toSorted()).toEqual(SERVICES.toSorted());
});

describe.each(SERVICES)('the Nomad job of %s', (service: ServiceName) => {
  const { group, task, ports } = read(service);

  it('runs the service’s image in the machine’s network', () => {
    expect(task.driver).toBe('docker');
    expect(task.config[0]).toMatchObject({
      image: `\${var.image_prefix}/${service}:\${var.version}`,
      network_mode: 'host',
    });
    expect(group.network[0].mode).toBe('host');
  });

  it('sets only variables that the service knows', () => {
    const known = knownVariables(service);
    const set = [...Object.keys(task.env[0]), ...templated(task)];
    expect(set.filter((name) => !known.has(name))).toEqual([]);
    expect(new Set(set).size).toBe(set.length);
  });

  it('is a configuration that the service starts with', () => {
    expect(problemsOf(service, filledIn(service))).toEqual([]);
  });

  it('says where schedulers are to whom needs them', () => {
    const needed = service !== 'scheduler';
    expect(templated(task).includes('SPAWNER_SCHEDULER_ADDRESS')).toBe(needed);
  });

  it('gives every listener its port', () => {
    const env = filledIn(service);
    for (const { variable, usual } of PORT_RULES.filter((rule) => rule.service === service))
      expect([usual, PUBLIC_PORT[usual]]).toContain(Number(env[variable]));
    const used = Object.values(task.env[0]).flatMap((value) => [
      ...value.matchAll(/NOMAD_(?:PORT|ADDR)_(\w+)/g),
    ]);
    expect(new Set(used.map(([, label]) => label))).toEqual(new Set(Object.keys(ports)));
  });

  it('is checked by its readiness', () => {
    expect(group.service.length).toBeGreaterThan(0);
    for (const { port, check } of group.service) {
      expect(Object.keys(ports)).toContain(port);
      expect(check[0]).toMatchObject({ port: 'admin', path: '/readyz' });
    }
  });
});
