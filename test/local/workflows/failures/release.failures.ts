import { playFailures } from './play';

playFailures((name) => name === 'Releases');
