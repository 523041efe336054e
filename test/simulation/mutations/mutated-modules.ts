import { registerHooks } from 'node:module';
import type { ChangedModule } from './changed-parts.ts';

/** From now on these modules have other texts as they are loaded; each text must be there once, so that no fault becomes none unseen. */
export function mutateModules(changes: readonly ChangedModule[]): void {
  if (changes.length === 0) return;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const mine = changes.filter(({ file }) => url.endsWith(`/${file}`));
      if (mine.length === 0) return loaded;
      return { ...loaded, source: mine.reduce(mutated, String(loaded.source)) };
    },
  });
}

function mutated(source: string, { file, from, to }: ChangedModule): string {
  if (source.split(from).length !== 2)
    throw new Error(`${file} has no single ${JSON.stringify(from)} any more`);
  return source.replace(from, () => to);
}
