/** The same without the fast path. */
import { onGeneralPath } from '../proxy-fixture.ts';
import '../proxy-restart.test.ts';

onGeneralPath();
