import { playFailures } from './play';

playFailures((name) => name === 'Release');
