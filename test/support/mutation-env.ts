import * as fc from 'fast-check';

// The tests run once for each mutant: the same random samples each time, so that the score can be repeated, and fewer of them.
fc.configureGlobal({ seed: 20130701, numRuns: 50 });
process.env.MUTATION_TESTING = 'true';
