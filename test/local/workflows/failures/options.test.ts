import { FULL } from './failing-apps';
import { playFailures } from './play';

playFailures(FULL);
