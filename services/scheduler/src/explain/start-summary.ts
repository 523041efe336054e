import { formatDuration } from '@spawner/domain';
import type { StepTimes } from '@spawner/proto/v1/backend';

/** The steps in their order, with the word of each. */
const STEPS: readonly (readonly [keyof StepTimes, string])[] = [
  ['placeMs', 'placed'],
  ['handOverMs', 'handed over'],
  ['pullMs', 'pulled'],
  ['queueMs', 'queued'],
  ['sandboxMs', 'network'],
  ['createMs', 'created'],
  ['startMs', 'started'],
  ['readyMs', 'ready'],
  ['firstByteMs', 'first byte'],
];

/** The known steps of a start, such as `placed 3 ms, queued 0 ms`. Empty if none is known. Pure. */
export function startSummary(steps: StepTimes | undefined): string {
  return STEPS.flatMap(([name, word]) => {
    const ms = steps?.[name];
    return ms === undefined ? [] : [`${word} ${formatDuration(ms)}`];
  }).join(', ');
}
