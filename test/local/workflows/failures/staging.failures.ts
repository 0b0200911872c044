import { playFailures } from './play';

playFailures((name) => name === 'Staging');
