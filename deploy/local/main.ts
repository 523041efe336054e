/** `npm run up`, after everything that it needs is installed. */
import { join } from 'node:path';
import { systemClock } from '@spawner/domain';
import { placeOf } from './claim/place.ts';
import { Progress } from './output/progress.ts';
import { endSignal } from './processes/end-signal.ts';
import { Up } from './up.ts';

const place = placeOf(join(import.meta.dirname, '..', '..'));
const progress = new Progress(systemClock, (line) => console.log(line));
const end = endSignal(() => up.killAll());
const up = new Up(place, process.env, progress, end);
process.exit(await up.run());
