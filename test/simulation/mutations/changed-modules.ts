import { registerHooks } from 'node:module';
import { type Change, changedText } from './change.ts';

/** Every world has a route log so short that readers who were away find a gap in it. */
const SHORT_LOG: Change = {
  file: 'libs/store/src/scripts/constants.ts',
  from: 'const ROUTE_LOG_LENGTH = 20_000;',
  to: 'const ROUTE_LOG_LENGTH = 12;',
};

/** From now on these modules are loaded with their changes. To be called before anything has loaded them. */
export function changeModules(changes: readonly Change[]): void {
  const modules = [SHORT_LOG, ...changes.filter(({ file }) => file.endsWith('.ts'))];
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const mine = modules.filter(({ file }) => url.endsWith(`/${file}`));
      if (mine.length === 0) return loaded;
      return { ...loaded, source: mine.reduce(changedText, String(loaded.source)) };
    },
  });
}
