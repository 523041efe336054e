import { abandon, forget, place, report, restore, stop } from './backend-scripts.ts';
import type { ScriptDefinition } from './define-script.ts';
import {
  admit,
  drawTick,
  forgetDrone,
  lapse,
  register,
  renew,
  silence,
  sweep,
  unregister,
} from './node-scripts.ts';
import { confirm, openEpoch, settle, suspend } from './route-scripts.ts';
import { expireToken, grantToken, revokeTokens } from './token-scripts.ts';

/** Every script of the store. */
export const SCRIPTS = {
  ...{ abandon, forget, place, report, restore, stop },
  ...{ admit, drawTick, forgetDrone, lapse, register, renew, silence, sweep, unregister },
  ...{ confirm, openEpoch, settle, suspend },
  ...{ expireToken, grantToken, revokeTokens },
} as const;

/** The script of a source text, which may have been changed since. Returns undefined for any other text. */
export function scriptOf(source: string): ScriptDefinition | undefined {
  const name = /^-- ([\w-]+)\.lua\n/.exec(source)?.[1];
  return (Object.values(SCRIPTS) as unknown as ScriptDefinition[]).find((script) => script.name === name);
}
