interface Family {
  readonly about: string[];
  readonly samples: string[];
}

const ABOUT = /^# (?:HELP|TYPE|UNIT) (\S+)/;

/**
 * Merges the metrics of several processes into one text (Prometheus text exposition format 0.0.4). Each sample gets the label
 * `worker`. The samples of one metric are adjacent, as the format demands.
 */
export function mergedMetrics(all: readonly { worker: string; text: string }[]): string {
  const families = new Map<string, Family>();
  for (const { worker, text } of all) {
    const seen = new Set(families.keys());
    let family: Family | undefined;
    for (const line of text.split('\n')) {
      const name = ABOUT.exec(line)?.[1];
      if (name !== undefined) {
        family = families.get(name) ?? { about: [], samples: [] };
        families.set(name, family);
        if (!seen.has(name)) family.about.push(line);
      } else if (line !== '' && !line.startsWith('#')) family?.samples.push(labelled(line, worker));
    }
  }
  const lines = [...families.values()].flatMap(({ about, samples }) => [...about, ...samples]);
  return `${lines.join('\n')}\n`;
}

function labelled(sample: string, worker: string): string {
  const label = `worker="${worker}"`;
  const nameEnd = sample.search(/[{ ]/);
  if (sample[nameEnd] !== '{') return `${sample.slice(0, nameEnd)}{${label}}${sample.slice(nameEnd)}`;
  const rest = sample.slice(nameEnd + 1);
  return `${sample.slice(0, nameEnd)}{${label}${rest.startsWith('}') ? '' : ','}${rest}`;
}
