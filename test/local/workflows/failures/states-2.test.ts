import { PLAIN } from './failing-apps';
import { playFailures } from './play';

playFailures(PLAIN, { part: 1, of: 2 });
