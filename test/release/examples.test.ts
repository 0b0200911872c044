export {};

describe('constructs alone, with everything else imported', () => {
  test.each(['shadow-staging', 'canary-release'])('the example %s synthesizes', (name) => {
    expect(() => jest.requireActual(`../../examples/${name}.lit`)).not.toThrow();
  });
});
