import { PLAIN } from './failing-apps';
import { playFailures } from './play';

playFailures(PLAIN, { part: 0, of: 2 });
