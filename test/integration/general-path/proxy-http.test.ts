/** The same without the fast path. */
import { onGeneralPath } from '../proxy-fixture.ts';
import '../proxy-http.test.ts';

onGeneralPath();
